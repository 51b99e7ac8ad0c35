// The chat's page. It speaks chat.v1 (README.md): one JSON event a message from the server, and to it lines as people
// type them. `log.js`, which comes first, has the words and the log.
"use strict";

const FIRST_WAIT = 500, LONGEST_WAIT = 15000;  // milliseconds, more or less, before another attempt
const STABLE = 5000;       // milliseconds after which a connection counts as made
const NAME_RETRY = 4000, NAME_TRIES = 15;  // a name is free again once the server has noticed that its holder is gone
const LONGEST_LINE = 2048;  // bytes that the server takes
const SETTLE = 3000;       // milliseconds in which a connection that is made again finds its name and room

const kept = (store, key, value) => {  // storage may be forbidden: then nothing is remembered, and the rest works
  try { if (value === undefined) return store().getItem(key) || ""; store().setItem(key, value); } catch { return ""; }
};
const tab = (key, value) => kept(() => sessionStorage, key, value);
const browser = (key, value) => kept(() => localStorage, key, value);

let socket = null, timer = null, wait = FIRST_WAIT, lastAttempt = 0, over = false;
let me = "", operator = false, room = "", members = new Set(), count = 0;
let wantedName = tab("name"), wantedRoom = tab("room"), nameTries = 0, nameTimer = null, asked = false, lastNotice = "";
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
    through = Boolean(passing);
    if (passing) socket.send(`/join ${goal}`);
    goal = "";
    members = new Set(event.members);
    count = event.count;
    showTopic(event.topic);
    if (moved && !settling) { addLine("mark", t("moved", room)); shown = []; }
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
  },
  topic(event) { showTopic(event.topic); },
  rooms(event) { rooms = event.rooms; showRooms(); },
  said(event) { say("said", event); },
  did(event) { say("did", event); },
  operator(event) { say("operator", { ...event, name: "Admin" }); },
  private(event) {
    addLine("private", event.text, { name: event.from ? t("from", event.from) : t("to", event.to), own: !event.from });
    heard(event);
  },
  notice(event) {
    lastNotice = event.text;
    if (!settling) addLine("notice", event.text.replace(/ {2,}/g, " · "));  // columns, which need another font
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
  if (!$("ask").hidden && $("ask").dataset.what === "name") closeAsk();
}

function nameRefused() {
  if (nameTries && comesBack && nameTries < NAME_TRIES) nameTimer = setTimeout(claimName, NAME_RETRY);
  else if (nameTries) {
    nameTries = 0;
    if ($("ask").hidden) askName(wantedName);
    if ($("ask").dataset.what === "name") $("ask-why").textContent = lastNotice;
  }
}

function checkSettled() {
  if (settling && room === wantedRoom && (!wantedName || me === wantedName)) settled();
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

// -- asking in a line of the page -----------------------------------------------------------------------------------

let answer = null;

function ask(what, label, yes, no, value, done, type = "text") {
  const form = $("ask"), input = $("ask-field");
  form.dataset.what = what;
  form.hidden = false;
  $("ask-label").textContent = label;
  $("ask-yes").textContent = yes;
  $("ask-no").textContent = no;
  $("ask-why").textContent = "";
  input.hidden = what === "lines" || what === "again";
  input.type = type;
  input.value = value;
  answer = done;
  (input.hidden ? $("ask-yes") : input).focus();
}

function closeAsk() {
  $("ask").hidden = true;
  $("ask-field").value = "";
  answer = null;
  nameTries = 0;
  field.focus();
}

$("ask").addEventListener("submit", event => {
  event.preventDefault();
  if (answer && answer($("ask-field").value.trim()) !== false) closeAsk();
});
$("ask-no").addEventListener("click", closeAsk);
$("ask").addEventListener("keydown", event => { if (event.key === "Escape") closeAsk(); });

// -- the panel ------------------------------------------------------------------------------------------------------

function button(text, done, label) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", done);
  if (label) made.setAttribute("aria-label", label);
  return made;
}

let memberRows = new Map();

function showMembers() {
  $("count").textContent = count ? `(${count})` : "";
  const list = $("members"), rows = new Map();
  for (const name of members.has(me) || !me ? members : [me, ...members]) {
    const state = `${name === me}${operator}`;
    const known = memberRows.get(name);
    rows.set(name, known && known.dataset.state === state ? known : memberRow(name, state));
  }
  for (const [name, row] of memberRows) if (rows.get(name) !== row) row.remove();
  let place = list.firstElementChild;
  for (const row of rows.values()) {
    if (row === place) place = place.nextElementSibling;
    else list.insertBefore(row, place);
  }
  memberRows = rows;
}

function memberRow(name, state) {
  const row = document.createElement("li");
  row.dataset.state = state;
  const own = name === me;
  const main = button("", () => { if (own) rename(); else whisper(name); }, own ? t("rename") : t("whisper", name));
  const shownName = document.createElement("bdi");
  shownName.textContent = name;
  main.append(shownName);
  if (own) { main.append(` (${t("you")})`); row.setAttribute("aria-current", "true"); }
  row.append(main);
  if (operator && !own) {
    row.append(button(t("remove"), () => send(`/kick ${name}`), `${t("remove")}: ${name}`));
    row.append(button(t("ban"), () => send(`/ban ${name}`), `${t("ban")}: ${name}`));
  }
  return row;
}

function showRooms() {
  const list = $("rooms");
  list.replaceChildren(...rooms.map(one => {
    const row = document.createElement("li");
    const main = button("", () => { send(`/join ${one.name}`); openPanel(false); field.focus(); });
    const name = document.createElement("bdi");
    name.textContent = one.name;
    main.append(name, ` (${one.count})`);
    main.title = one.topic;
    if (one.name === room) row.setAttribute("aria-current", "true");
    row.append(main);
    return row;
  }));
}

function showTopic(topic) {
  $("room").textContent = room || "Chat";
  $("topic").replaceChildren();
  addText($("topic"), topic);
}

function openPanel(open) {
  $("panel").classList.toggle("open", open);
  $("panel-button").setAttribute("aria-expanded", String(open));
}

function whisper(name) {
  openPanel(false);
  field.value = `/msg ${name} `;
  grow();
  field.focus();
}

const rename = () => { openPanel(false); askName(me); };

$("panel-button").addEventListener("click", () => openPanel(!$("panel").classList.contains("open")));
document.addEventListener("keydown", event => { if (event.key === "Escape") openPanel(false); });
$("join").addEventListener("submit", event => {
  event.preventDefault();
  const name = $("join-name").value.trim();
  if (name && send(`/join ${name}`)) { $("join-name").value = ""; openPanel(false); field.focus(); }
});
$("rename").addEventListener("click", rename);
$("set-topic").addEventListener("click", () => {
  openPanel(false);
  ask("topic", t("askTopic"), t("ok"), t("cancel"), $("topic").textContent, text => { send(`/topic ${text || "-"}`); });
});
$("oper").addEventListener("click", () => {
  openPanel(false);
  ask("password", t("askPassword"), t("ok"), t("cancel"), "", text => { if (text) send(`/oper ${text}`); }, "password");
});
$("help").addEventListener("click", () => { openPanel(false); send("/help"); field.focus(); });
$("leave").addEventListener("click", () => { openPanel(false); if (over) connect(); else send("/quit"); });
$("notify").addEventListener("change", async () => {
  if (!$("notify").checked) return;
  const allowed = window.Notification ? await Notification.requestPermission() : "denied";
  if (allowed !== "granted") { $("notify").checked = false; addLine("notice", t("notAllowed")); }
});

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
  if (lines.some(line => new TextEncoder().encode(line).length > LONGEST_LINE)) {
    tellStatus(t("tooLong"));
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
  for (const line of lines) if (!line.startsWith("/")) unconfirmed.push(line);
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
  const mine = socket;  // a server that opens and closes at once is no reason for haste
  setTimeout(() => { if (mine === socket && mine.readyState === WebSocket.OPEN) wait = FIRST_WAIT; }, STABLE);
  nameTries = 0;
  settling = comesBack = Boolean(me);  // we were here before
  if (settling) { clearTimeout(settleTimer); settleTimer = setTimeout(settled, SETTLE); }
  tellStatus(t("connecting"), false);
  if (wantedName) claimName();
  goal = wantedRoom;
  through = false;
  if (!wantedName && !asked) askName();
}

function onClose(event) {
  clearTimeout(nameTimer);
  members = new Set();
  showMembers();
  if (event.code === 1000) {  // a goodbye: /quit, or the server has sent us away and said why
    over = true;
    tellStatus(t("ended"), true);
    $("leave").textContent = t("again");
    ask("again", t("ended"), t("again"), t("cancel"), "", () => connect());
    return;
  }
  if (unconfirmed.length && !field.value) { field.value = unconfirmed.join("\n"); tab("draft", field.value); grow(); }
  unconfirmed = [];
  const pause = wait * (0.5 + Math.random() / 2);
  wait = Math.min(wait * 2, LONGEST_WAIT);
  timer = setTimeout(connect, pause);
  tellStatus(pause > 2000 ? t("waiting", Math.round(pause / 1000)) : t("lost"), true);
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
