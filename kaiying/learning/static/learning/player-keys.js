// The player's keys: K or space plays, J and L skip ten seconds, arrows five, up and down the volume, N takes a note,
// C captions, F full screen, 0 the start. Not while typing; off when localStorage "ky-keys" is "off".

const typing = (target) => target.closest && target.closest("input:not([type=range]), textarea, select, [contenteditable]");
const pressing = (event) => event.target.closest && event.target.closest("button, a, summary, [role=tab]") && [" ", "Enter"].includes(event.key);

function off() {
  try { return localStorage.getItem("ky-keys") === "off"; } catch { return false; }
}

document.addEventListener("keydown", (event) => {
  const player = document.querySelector("lesson-player");
  if (!player || !player.video || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event.target) || pressing(event) || off()) return;
  const inTabs = event.target.closest("[role=tablist]");
  const { video } = player;
  const louder = (by) => { video.volume = Math.min(1, Math.max(0, video.volume + by)); video.muted = false; };
  const keys = {
    k: () => player.toggle(),
    " ": () => player.toggle(),
    j: () => player.skip(-10),
    l: () => player.skip(10),
    n: () => document.dispatchEvent(new CustomEvent("note:open")),
    c: () => player.act("captions") && player.act("captions").click(),
    f: () => player.full(),
    m: () => { video.muted = !video.muted; },
    0: () => player.seek(0),
    ...(inTabs ? {} : {
      ArrowLeft: () => player.skip(-5),
      ArrowRight: () => player.skip(5),
    }),
    ...(event.target === document.body || player.contains(event.target) ? {
      ArrowUp: () => louder(0.1),
      ArrowDown: () => louder(-0.1),
    } : {}),
  };
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  player.wake();
  act();
});
