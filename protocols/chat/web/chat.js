// The chat's page. It speaks chat.v1 (README.md): one JSON event a message from the server, and to it lines as people
// type them. Before it come `log.js`, with the words and the log, and `panel.js`, with the rows and buttons around it.
"use strict";

const FIRST_WAIT = 500, LONGEST_WAIT = 15000;  // milliseconds, more or less, before another attempt
const STABLE = 5000;       // milliseconds after which a connection counts as made
const COMMAND = /^[\s\p{C}]*\/(?!\/)/u;  // as the server takes a line for one: whatever is invisible before it
const HISTORY = /^[\s\p{C}]*\/history(\s|$)/iu;
const NAME_RETRY = 4000, NAME_TRIES = 15;  // a name is free again once the server has noticed that its holder is gone
const LONGEST_LINE = 2048;  // bytes that the server takes
const MOST_AT_ONCE = 100, MOST_BYTES = 16000;  // lines that a server says within a minute; what one message may have
const FAILURES = 2;        // attempts that fail before it is asked why
const SETTLE = 3000;       // milliseconds in which a connection that is made again finds its name and room

const kept = (store, key, value) => {  // storage may be forbidden: then nothing is remembered, and the rest works
  try { if (value === undefined) return store().getItem(key) || ""; store().setItem(key, value); } catch { return ""; }
};
const tab = (key, value) => kept(() => sessionStorage, key, value);
const browser = (key, value) => kept(() => localStorage, key, value);

let socket = null, timer = null, wait = FIRST_WAIT, lastAttempt = 0, over = false;
let me = "", operator = false, room = "", members = new Set(), count = 0;
let wantedName = tab("name"), wantedRoom = tab("room"), nameTries = 0, nameTimer = null, asked = false, lastNotice = "", lastNoticeLine = null;
let ignored = new Set(tab("ignored").split(", ").filter(Boolean));
let everIgnored = new Set(ignored);
let ignoreAsked = false;  // of a new connection, which has not answered yet
let moveNotice = "";  // what the mark of a move says already
let failures = 0;  // attempts to connect that came to nothing, in a row
let comesBack = false;  // with the name that it had: its old connection may hold that for a while
let goal = "";  // the room to go to once we know where we are
let through = false;  // in the lobby, on the way to it: what was said here before is not of the room we go to
let settling = false, settleTimer = null;  // after a reconnect, until name and room are what they were
let unconfirmed = [];  // own lines that the server has not told back yet

// -- what the server tells ------------------------------------------------------------------------------------------

const handlers = {
  you(event) {
    me = event.name;
    operator = event.operator;
    if (event.refused) nameRefused();
    else if (event.named) nameAccepted();
    tellStatus();
    showMembers();
    checkSettled();
  },
  room(event) {
    const passing = goal && goal !== event.name;  // through the lobby, to where we were
    const moved = room && room !== event.name && !passing;
    room = event.name;
    if (through) dropReplay();
    historyAsked = false;  // what is replayed next is what a newcomer gets
    through = Boolean(passing);
    if (passing) socket.send(`/join ${goal}`);
    goal = "";
    members = new Set(event.members);
    count = event.count;
    showTopic(event.topic);
    if (moved && !settling) { addLine("mark", t("moved", room)); moveNotice = `you are in ${room} now`; shown = []; }
    if (!settling && !passing) { tab("room", room); wantedRoom = room; }
    showMembers();
    showRooms();
    tellUnread(unread);
    checkSettled();
  },
  members(event) {
    for (const name of event.left) members.delete(name);
    for (const name of event.joined) members.add(name);
    count = event.count;
    showMembers();
    showRooms();
  },
  ignored(event) {
    ignoreAsked = false;
    ignored = new Set(event.names);
    for (const name of event.names) everIgnored.add(name);
    tab("ignored", event.names.join(", "));
    showMembers();
  },
  oper(event) {
    if (!isAsked("password")) return;
    if (event.refused) tellWhy(); else closeAsk();
  },
  topic(event) { showTopic(event.topic); },
  rooms(event) { rooms = event.rooms; showRooms(); },
  said(event) { say("said", event); },
  did(event) { say("did", event); },
  operator(event) {
    if (event.private && !event.at) tellAlone("operator", t("from", "Admin"), event);
    else say("operator", { ...event, name: "Admin" });
  },
  private(event) {
    tellAlone("private", event.from ? t("from", event.from) : t("to", event.to), { ...event, own: !event.from });
  },
  notice(event) {
    lastNotice = event.text;
    lastNoticeLine = null;
    if (event.text === moveNotice) moveNotice = "";
    else if (!settling) lastNoticeLine = addLine("notice", event.text.replace(/ {2,}/g, " · "));  // columns, which need another font
  },
};

// -- name and room --------------------------------------------------------------------------------------------------

let rooms = [];

function claimName() {
  nameTries += 1;
  send(`/nick ${wantedName}`);
  clearTimeout(nameTimer);
}

function nameAccepted() {
  nameTries = 0;
  clearTimeout(nameTimer);
  wantedName = me;
  tab("name", me);
  browser("name", me);
  if (isAsked("name")) closeAsk();
}

function nameRefused() {
  if (nameTries && comesBack && nameTries < NAME_TRIES) nameTimer = setTimeout(claimName, NAME_RETRY);
  else if (nameTries) {
    nameTries = 0;
    if ($("ask").hidden) askName(wantedName);
    if (isAsked("name")) tellWhy();
  }
}

function checkSettled() {
  if (!settling || room !== wantedRoom || (wantedName && me !== wantedName)) return;
  clearTimeout(settleTimer);
  settleTimer = setTimeout(settled, 100);  // behind the notices that come with it: they stand in the log already
}

function settled() {
  settling = false;
  clearTimeout(settleTimer);
  if (room) { tab("room", room); wantedRoom = room; }
}

function askName(offered = browser("name")) {
  asked = true;
  ask("name", t("askName"), t("join"), t("stay"), offered, name => {
    wantedName = name;
    nameTries = 0;
    comesBack = false;
    if (name) claimName();
    return Boolean(!name);  // with a name, open until it is ours
  });
}

// -- saying something -----------------------------------------------------------------------------------------------

function send(line) {
  if (!socket || socket.readyState !== WebSocket.OPEN) { tellStatus(t("kept")); return false; }
  socket.send(line);
  return true;
}

function sayField() {
  const text = field.value.replace(/\s+$/, "");
  if (!text.trim()) return;
  const lines = text.split(/\r\n|[\r\n]/).filter(line => line.trim());
  const size = text => new TextEncoder().encode(text).length;
  const tooLong = lines.some(line => size(line) > LONGEST_LINE);
  if (tooLong || lines.length > MOST_AT_ONCE || size(lines.join("\n")) > MOST_BYTES) {
    tellStatus(t(tooLong ? "tooLong" : "tooMuch", MOST_AT_ONCE));
    setTimeout(tellStatus, 5000);
    return;
  }
  if (lines.length > 1) {
    ask("lines", t("askLines", lines.length), t("yesLines"), t("cancel"), "", () => { sayLines(lines); });
    return;
  }
  sayLines(lines);
}

function sayLines(lines) {
  if (!send(lines.join("\n"))) return;
  if (!replay.length && lines.some(line => HISTORY.test(line))) historyAsked = true;
  for (const line of lines) if (!COMMAND.test(line)) unconfirmed.push(line);
  field.value = "";
  tab("draft", "");
  grow();
}

function grow() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

$("say").addEventListener("submit", event => { event.preventDefault(); sayField(); });
field.addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    sayField();
  }
});
field.addEventListener("input", () => { tab("draft", field.value); grow(); });

// -- the connection -------------------------------------------------------------------------------------------------

function tellStatus(text, off = !socket || socket.readyState !== WebSocket.OPEN) {
  status.textContent = text || (off ? t("connecting") : t("connected", me));
  status.classList.toggle("off", off);
}

function connect() {
  clearTimeout(timer);
  if (socket && socket.readyState < WebSocket.CLOSING) return;
  lastAttempt = Date.now();
  over = false;
  if (isAsked("again")) closeAsk();
  $("leave").textContent = t("leave");
  const address = new URL("chat", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const mine = socket = new WebSocket(address, "chat.v1");
  tellStatus(t("connecting"), true);
  mine.onopen = () => { if (mine === socket) onOpen(); };
  mine.onmessage = message => {
    if (mine !== socket) return;
    const event = JSON.parse(message.data);
    if (event.type in handlers) handlers[event.type](event);
  };
  mine.onclose = event => { if (mine === socket) onClose(event); };
}

function onOpen() {
  failures = 0;
  const mine = socket;  // a server that opens and closes at once is no reason for haste
  setTimeout(() => { if (mine === socket && mine.readyState === WebSocket.OPEN) wait = FIRST_WAIT; }, STABLE);
  nameTries = 0;
  settling = comesBack = Boolean(me);  // we were here before
  if (settling) { clearTimeout(settleTimer); settleTimer = setTimeout(settled, SETTLE); }
  tellStatus(t("connecting"), false);
  if (wantedName) claimName();
  ignoreAsked = ignored.size > 0;
  if (ignoreAsked) send(`/ignore ${[...ignored].join(", ")}`);  // the server's memory ends with the connection
  goal = wantedRoom;
  through = false;
  if (!wantedName && !asked) askName();
}

function onClose(event) {
  clearTimeout(nameTimer);
  $("ask-yes").disabled = false;
  members = new Set();
  count = 0;
  rooms = [];
  showMembers();
  showRooms();
  if (event.code === 1008) return banned(lastNotice);
  if (event.code === 1000) {  // a goodbye: /quit, or the server has sent us away and said why
    return ended(t("ended"), t("ended"));
  }
  if (unconfirmed.length && !field.value) { field.value = unconfirmed.join("\n"); tab("draft", field.value); grow(); }
  unconfirmed = [];
  failures += 1;
  if (failures > FAILURES) askWhy();
  const pause = wait * (0.5 + Math.random() / 2);
  wait = Math.min(wait * 2, LONGEST_WAIT);
  timer = setTimeout(connect, pause);
  tellStatus(pause > 2000 ? t("waiting", Math.round(pause / 1000)) : t("lost"), true);
}

function ended(word, why) {
  over = true;
  clearTimeout(timer);
  socket = null;
  if (isAsked("name")) asked = false;  // once more, then
  tellStatus(word, true);
  $("leave").textContent = t("again");
  ask("again", why, t("again"), t("cancel"), "", () => connect());
}

function banned(goodbye) {  // the ban may be over when somebody tries again; until then the server says how long it is
  failures = FAILURES;
  ended(t("banned"), goodbye.trim().replace(/^goodbye: /, "") || t("banned"));
}

async function askWhy() {  // a page is not told why its WebSocket is refused; of a file it is
  const mine = socket;
  try {
    const answer = await fetch("chat.css", { cache: "no-store" }), why = await answer.text();
    if (answer.status === 403 && mine === socket) banned(why);  // else another attempt is under way, or has succeeded
  } catch { /* the server is not there */ }
}

function connectNow() {
  if (!over && (!socket || socket.readyState === WebSocket.CLOSED) && Date.now() - lastAttempt > 1000) connect();
}

window.addEventListener("online", connectNow);
window.addEventListener("offline", () => { if (socket) socket.close(4000); });
// A browser keeps a page that was left for a while, in case somebody goes back to it; nobody is there meanwhile.
window.addEventListener("pagehide", () => { if (socket) socket.close(4000); });
window.addEventListener("pageshow", event => { if (event.persisted) connectNow(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) { tellUnread(0); connectNow(); } });
log.addEventListener("scroll", () => { following = atBottom(); if (following) tellBelow(0); });
$("below").addEventListener("click", () => { toBottom(); field.focus(); });
new ResizeObserver(() => { if (following) toBottom(); }).observe(log);

document.documentElement.lang = language;
for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
$("join-name").placeholder = t("newRoom");
$("join-name").setAttribute("aria-label", t("newRoom"));
log.setAttribute("aria-label", t("log"));
field.placeholder = t("hint");
field.value = tab("draft");
grow();
field.focus();
connect();
