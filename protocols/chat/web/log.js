// The page's words and its log: what is seen. `chat.js` has the connection, and what people do.
// Whatever comes from others is put into the page as text, never as markup.
"use strict";

const WORDS = {
  en: {
    people: "People and rooms", members: "Members", rooms: "Rooms", newRoom: "Another room", go: "Go", more: "More",
    rename: "Change my name", setTopic: "Set the topic", oper: "I am an operator", help: "All commands", leave: "Leave",
    notify: "Notify me of new lines", message: "Message", send: "Send", log: "What is said",
    hint: "Say something …",
    askName: "What should the others call you?", join: "Join", stay: "Not now", ok: "OK", cancel: "Cancel",
    askTopic: "What is this room about?", askPassword: "The operators' password", remove: "Kick", ban: "Ban", ignore: "Ignore", hear: "Hear",
    whisper: "Message {} privately", askLines: "Send {} lines one after the other?", yesLines: "Send them",
    connecting: "connecting …", connected: "you are {}", lost: "the connection is lost, trying again …",
    waiting: "the connection is lost, trying again in {} s", ended: "you have left", banned: "you are banned here", again: "Come back",
    kept: "not sent: there is no connection. Your text is kept", tooLong: "not sent: a line is too long. Your text is kept",
    tooMuch: "not sent: at most {} lines, or 16,000 bytes, at once. Your text is kept", below: "{} new below", moved: "you are in {}",
    from: "{} to you", to: "you to {}", you: "you", history: "said before", notAllowed: "this browser does not allow that",
  },
  zh: {
    people: "成员和房间", members: "成员", rooms: "房间", newRoom: "另一个房间", go: "进入", more: "更多",
    rename: "改名", setTopic: "设置话题", oper: "我是管理员", help: "全部命令", leave: "离开",
    notify: "有新消息时通知我", message: "消息", send: "发送", log: "聊天内容",
    hint: "说点什么……",
    askName: "大家怎么称呼你？", join: "加入", stay: "以后再说", ok: "确定", cancel: "取消",
    askTopic: "这个房间聊什么？", askPassword: "管理员密码", remove: "踢出", ban: "封禁", ignore: "屏蔽", hear: "取消屏蔽",
    whisper: "和 {} 私聊", askLines: "把这 {} 行逐行发送？", yesLines: "发送",
    connecting: "正在连接……", connected: "你是 {}", lost: "连接断开，正在重连……",
    waiting: "连接断开，{} 秒后重连", ended: "你已离开", banned: "你被禁止进入", again: "回来",
    kept: "没有连接，未发送，内容已保留", tooLong: "有一行太长，未发送，内容已保留",
    tooMuch: "一次最多 {} 行或 16,000 字节，未发送，内容已保留", below: "下面有 {} 条新消息", moved: "你在 {}",
    from: "{} 对你说", to: "你对 {} 说", you: "你", history: "之前的消息", notAllowed: "此浏览器不允许",
  },
};
const language = (navigator.languages || [navigator.language]).map(tag => tag.slice(0, 2)).find(tag => tag in WORDS) || "en";
const t = (word, value) => WORDS[language][word].replace("{}", value);
const $ = id => document.getElementById(id);
const log = $("log"), field = $("message"), status = $("status");

const MOST_LINES = 1000;   // in the log; what is older goes
const ENOUGH = 10;  // lines that tell a place, where page and history are not the same before these: a server was cut off

let shown = [];  // what was said here, whatever a history may have: private lines and notices are in none
let replay = [], replayTimer = null;
let historyAsked = false;  // with /history: what is replayed next is shown, whatever stands on the page
let unread = 0, below = 0, following = true;

// -- the log ------------------------------------------------------------------------------------------------------

const atBottom = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
const LINK = /https?:\/\/[^\s<>"'“”‘’（），。]+[^\s<>"'“”‘’（），。.,;:!?)\]}]/g;

function addText(element, text) {
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    element.append(text.slice(at, match.index));
    const link = document.createElement("a");
    link.href = link.textContent = match[0];
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    element.append(link);
    at = match.index + match[0].length;
  }
  element.append(text.slice(at));
}

function addLine(kind, text, { name = "", at = 0, own = false } = {}) {
  const follow = following || own;
  const line = document.createElement("p");
  line.className = own ? `${kind} own` : kind;
  const when = at ? new Date(at * 1000) : new Date();
  line.title = when.toLocaleString(language);
  if (at) {
    const time = document.createElement("time");
    time.dateTime = when.toISOString();
    const today = when.toDateString() === new Date().toDateString();
    time.textContent = when.toLocaleString(language, today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" });
    line.append(time, " ");
  }
  if (name) {
    const holder = document.createElement("bdi");
    holder.className = "name";
    holder.textContent = name;
    line.append(holder, ": ");
  }
  const words = document.createElement("span");
  words.dir = kind === "notice" ? "ltr" : "auto";  // an English sentence, with whatever name it begins
  addText(words, text);
  line.append(words);
  log.append(line);
  while (log.childElementCount > MOST_LINES) log.firstElementChild.remove();
  if (follow) toBottom(); else if (kind !== "mark") tellBelow(below + 1);
  return line;
}

function takeBack(line) {
  if (!line) return;
  line.remove();
  if (below) tellBelow(below - 1);
}

function toBottom() {
  following = true;
  log.scrollTop = log.scrollHeight;
  tellBelow(0);
}

function tellBelow(number) {
  below = number;
  $("below").hidden = !number;
  $("below").textContent = t("below", number);
}

function tellUnread(number) {
  unread = number;
  const place = room || "Chat";
  document.title = unread ? `(${unread}) ${place}` : place;
}

function heard(event) {
  if (!document.hidden || event.own || event.at) return;
  tellUnread(unread + 1);
  if ($("notify").checked && window.Notification && Notification.permission === "granted") {
    new Notification(event.name || event.from || room, { body: event.text, tag: "chat" });
  }
}

// -- what is said, and what was said before ---------------------------------------------------------------------------

const key = event => [event.type, event.name || "", event.text].join("\n");

function say(kind, event) {
  if ((event.at || ignoreAsked) && isIgnored(event)) return;  // it comes before the server knows of it
  if (event.at) {
    if (settling && room !== wantedRoom) return;  // of a room that we only pass through
    replay.push([kind, event]);
    clearTimeout(replayTimer);
    replayTimer = setTimeout(showReplay, through ? SETTLE : 60);  // shown late if the other room does not take us
    return;
  }
  if (replay.length) showReplay();
  if (event.own) unconfirmed.shift();
  shown.push(event);
  addLine(kind, event.text, event);
  heard(event);
}

function tellAlone(kind, name, event) {  // in no history, and so no part of what is compared with one
  addLine(kind, event.text, { ...event, name });
  heard({ ...event, name });
}

const isOf = (names, event) => [...names].some(name =>
  event.type === "did" ? [`${name} `, `[${name}] `].some(begin => event.text.startsWith(begin)) : event.name === name);
const isIgnored = event => isOf(ignored, event);

function dropReplay() {
  clearTimeout(replayTimer);
  replay = [];
}

function showReplay() {
  clearTimeout(replayTimer);
  const from = historyAsked ? 0 : known(Infinity) || known(ENOUGH);
  for (const [kind, event] of replay.slice(from)) {
    if (!historyAsked) shown.push(event);  // else it is no news, and tells no place
    addLine(kind, event.text, event);
  }
  replay = [];
  historyAsked = false;
  shown = shown.slice(-MOST_LINES);
}

const known = most => Math.max(meeting(() => true, most), meeting(event => !isOf(everIgnored, event), most));

function meeting(tells, most) {
  // What was on the page before the connection was lost must not be doubled: find where the two meet. Only the lines
  // that tell of the place are compared: of who was ignored for a while, the page and the history have not the same.
  const before = shown.filter(tells).map(key);
  const events = replay.map(([, event]) => event);
  const endsAlike = end => {
    const keys = events.slice(0, end).filter(tells).map(key);
    const size = Math.min(before.length, keys.length, most);
    return size > 0 && keys.slice(-size).every((one, i) => one === before[before.length - size + i]);
  };
  let meet = events.length;
  while (meet > 0 && !(tells(events[meet - 1]) && endsAlike(meet))) meet -= 1;
  return meet;
}
