// Has Wireshark (compiled for node: npm package @goodtools/wiregasm) read a capture of the DECT network layer.
//
//   node wireshark-air.cjs DIST CAPTURE
//
// Prints a line for each message: its name, and behind a `!` each part that is malformed or not known to it.
"use strict";
const fs = require("fs");
const path = require("path");

const [dist, capture] = process.argv.slice(2);
const silent = { handleStatus() {}, print() {}, printErr() {} };

function items(vector) {
  return Array.from({ length: vector.size() }, (_, at) => vector.get(at));
}

// Expert info has a severity; what a dissector cannot name it calls unknown, reserved or malformed.
function* complaints(node) {
  const strange = /malformed|unknown|undecoded|not dissected/i.test(node.label);
  if (node.severity || strange) yield node.label;
  for (const child of items(node.tree)) yield* complaints(child);
}

async function main() {
  const module = require(path.join(dist, "wiregasm.js"));
  const load = module.default ?? module;
  const wireshark = await load({ locateFile: (file) => path.join(dist, file), ...silent });
  wireshark.init();
  wireshark.FS.writeFile("/uploads/air.pcap", fs.readFileSync(capture));
  const session = new wireshark.DissectSession("/uploads/air.pcap");
  const loaded = session.load();
  if (loaded.code !== 0) throw new Error(`not a capture: ${loaded.error}`);
  for (const frame of items(session.getFrames("", 0, 0).frames)) {
    const name = items(frame.columns).join(" ").replace(/^.*\(NWK\) /, "").trim();
    const trees = items(session.getFrame(frame.number).tree);
    const bad = trees.flatMap((tree) => [...complaints(tree)]);
    console.log([name, ...bad].join(" ! "));
  }
}

main().then(() => process.exit(0), (error) => {
  console.error(String(error));
  process.exit(1);
});
