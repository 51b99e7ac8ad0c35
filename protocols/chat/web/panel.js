// What the page asks for in a line of its own, and the panel: members, rooms, buttons. `chat.js` has what they bring about.
"use strict";

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
  $("ask-yes").disabled = false;
  input.hidden = ["lines", "again", "sure"].includes(what);
  input.type = type;
  input.value = value;
  answer = done;
  (input.hidden ? $("ask-yes") : input).focus();
  input.select();  // what stands there is replaced by typing
}

const isAsked = what => !$("ask").hidden && $("ask").dataset.what === what;

function tellWhy() {  // the notice just come is the answer to what was asked: here, and not in the log as well
  $("ask-why").textContent = lastNotice;
  takeBack(lastNoticeLine);
  lastNoticeLine = null;
  $("ask-yes").disabled = false;
  $("ask-field").select();
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
    const state = `${name === me}${operator}${ignored.has(name)}`;
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
  const others = document.createElement("span");  // they stay together where a long name takes the row
  others.className = "others";
  if (!own) {
    const deaf = ignored.has(name), word = t(deaf ? "hear" : "ignore");
    main.classList.toggle("deaf", deaf);
    others.append(button(word, () => send(`/${deaf ? "unignore" : "ignore"} ${name}`), `${word}: ${name}`));
    row.append(others);
  }
  if (operator && !own) {
    for (const [word, command] of [["remove", "kick"], ["ban", "ban"]]) {
      others.append(button(t(word), () => makeSure(t(word), name, `/${command} ${name}`), `${t(word)}: ${name}`));
    }
  }
  return row;
}

function makeSure(word, name, line) {  // a slip of a finger must send nobody away
  openPanel(false);
  ask("sure", `${word}: \u2068${name}\u2069?`, word, t("cancel"), "", () => { send(line); });
}

function showRooms() {
  const list = $("rooms");
  list.replaceChildren(...rooms.map(one => {
    const row = document.createElement("li");
    const main = button("", () => { send(`/join ${one.name}`); openPanel(false); field.focus(); });
    const name = document.createElement("bdi");
    name.textContent = one.name;
    main.append(name, ` (${one.name === room && count ? count : one.count})`);  // of our own we know more
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
  ask("password", t("askPassword"), t("ok"), t("cancel"), "", askPassword, "password");
});
function askPassword(text) {
  if (!text) return true;
  if (send(`/oper ${text}`)) $("ask-yes").disabled = true;  // a second Enter would be a second guess
  return false;  // open until the server has answered
}
$("help").addEventListener("click", () => { openPanel(false); send("/help"); field.focus(); });
$("leave").addEventListener("click", () => { openPanel(false); if (over) connect(); else send("/quit"); });
$("notify").addEventListener("change", async () => {
  if (!$("notify").checked) return;
  const allowed = window.Notification ? await Notification.requestPermission() : "denied";
  if (allowed !== "granted") { $("notify").checked = false; addLine("notice", t("notAllowed")); }
});
