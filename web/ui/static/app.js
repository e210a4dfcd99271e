// @ts-check
// Small things that HTML cannot do. Every page works without this file.

/** @param {number} seconds */
function age(seconds) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });
const exact = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });

/** Shows moments in the reader's zone, and how long calls have stood. */
function showTimes() {
  for (const element of document.querySelectorAll("time[datetime]")) {
    const at = new Date(element.getAttribute("datetime") ?? "");
    if (Number.isNaN(at.valueOf())) continue;
    const old = element.classList.contains("age");
    const format = element.classList.contains("exact") ? exact : moment;
    const text = old ? age(Math.max(0, (Date.now() - at.valueOf()) / 1000)) : format.format(at);
    if (element.textContent !== text) element.textContent = text;
    if (!element.hasAttribute("title")) element.setAttribute("title", at.toString());
  }
}

/** The pause button holds updates back; pressing it again shows the present state. */
function pauseButton() {
  const button = /** @type {HTMLButtonElement | null} */ (document.getElementById("pause"));
  const live = document.getElementById("live");
  if (!button || !live) return;
  let paused = false;
  button.hidden = false;
  button.addEventListener("click", () => {
    if (paused) return location.reload();
    paused = true;
    button.textContent = "Resume updates";
    button.setAttribute("aria-pressed", "true");
    say("Updates are paused.");
  });
  document.addEventListener("htmx:sse:before:message", (event) => {
    if (paused) event.preventDefault();
  });
  setInterval(() => paused || showTimes(), 1000);
}

/** @param {string} text */
function say(text) {
  const place = document.getElementById("live-state");
  if (place && place.textContent !== text) place.textContent = text;
}

/** Says when the switch cannot be reached, and goes to the log-in page when the session has ended. */
function watchStream() {
  document.addEventListener("htmx:sse:error", (event) => {
    const status = /** @type {CustomEvent} */ (event).detail?.status;
    if (status === 401) location.reload();
    else say("No connection to the switch. Trying again …");
  });
  document.addEventListener("htmx:sse:after:connection", () => say(""));
  document.addEventListener("htmx:sse:after:message", showTimes);
}

/** Opens the message that an arrow of the ladder leads to. */
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  const message = target?.closest("details");
  if (!message) return;
  message.open = true;
  target?.scrollIntoView({ block: "nearest" });
}

function copyButtons() {
  for (const button of document.querySelectorAll("button.copy")) {
    const source = document.getElementById(button.getAttribute("data-copy") ?? "");
    if (!source || !navigator.clipboard) continue;
    /** @type {HTMLElement} */ (button).hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(source.textContent ?? "");
      button.textContent = "Copied";
    });
  }
}

showTimes();
pauseButton();
watchStream();
copyButtons();
openTarget();
addEventListener("hashchange", openTarget);
