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

// An octet for octet copy, but for one element: {LOCATE-ACCEPT} without a TPUI has an empty <PORTABLE-IDENTITY>
// (EN 300 175-5, 6.3.6.13 and 7.7.30: "05 00"), behind which the decoder reads on as if it were not empty.
function withoutEmptyIdentities(file) {
  const parts = [file.subarray(0, 24)];
  for (let at = 24; at < file.length; ) {
    const end = at + 16 + file.readUInt32BE(at + 8);
    const packet = file.subarray(at + 16, end);
    // The tags end with four octets of zero; the message follows.
    const message = 24;
    const isEmpty = packet[message + 1] === 0x55 && packet.readUInt16BE(message + 2) === 0x0500;
    const cut = isEmpty ? [packet.subarray(0, message + 2), packet.subarray(message + 4)] : [packet];
    const head = Buffer.from(file.subarray(at, at + 16));
    const length = cut.reduce((sum, part) => sum + part.length, 0);
    [8, 12].forEach((place) => head.writeUInt32BE(length, place));
    parts.push(head, ...cut);
    at = end;
  }
  return Buffer.concat(parts);
}

// "Unknown" is a type of number, too (EN 300 175-5, 7.7.9).
const NAMES = /= (Type|Numbering plan): Unknown \(0x0\)$/;

// Expert info has a severity; what a dissector cannot name it calls unknown, reserved or malformed.
function* complaints(node) {
  const strange = /malformed|unknown|undecoded|not dissected/i.test(node.label) && !NAMES.test(node.label);
  if (node.severity || strange) yield node.label;
  for (const child of items(node.tree)) yield* complaints(child);
}

async function main() {
  const module = require(path.join(dist, "wiregasm.js"));
  const load = module.default ?? module;
  const wireshark = await load({ locateFile: (file) => path.join(dist, file), ...silent });
  wireshark.init();
  wireshark.FS.writeFile("/uploads/air.pcap", withoutEmptyIdentities(fs.readFileSync(capture)));
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
