/** How names, times and numbers are shown. Pure. */

/** Hues that names are given, of 360: more than there are people in most rooms. */
const HUES = 24;
const segmenter = "Segmenter" in Intl ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dateWithYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const DAY_MS = 24 * 60 * 60 * 1_000;

/** The hue of a name's colour, always the same for the same name (FNV-1a). */
export function hueOf(name) {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193);
  return ((hash >>> 0) % HUES) * (360 / HUES);
}

/** One or two letters for an avatar. */
export function initials(name) {
  const words = name
    .trim()
    .split(/[\s._-]+/)
    .filter((word) => word !== "");
  const letters =
    words.length > 1 ? [words[0], words.at(-1)].map(firstLetter) : [firstLetter(words[0] ?? "?")];
  return letters.join("").toUpperCase();
}

/** What a reader takes for one character: a flag or a family is several code points. */
function firstLetter(word) {
  if (segmenter === null) return [...word][0];
  return segmenter.segment(word)[Symbol.iterator]().next().value.segment;
}

export function timeOfDay(ts) {
  return time.format(ts);
}

export function exactTime(ts) {
  return full.format(ts);
}

export function startOfDay(ts) {
  return new Date(ts).setHours(0, 0, 0, 0);
}

/** Today, Yesterday, Monday, Monday 3 March, 3 March 2024. */
export function dayName(ts, now = Date.now()) {
  // Rounded: where the clocks change, a day has 23 or 25 hours.
  const age = Math.round((startOfDay(now) - startOfDay(ts)) / DAY_MS);
  if (age <= 0) return "Today";
  if (age === 1) return "Yesterday";
  if (age < 7) return weekday.format(ts);
  return new Date(ts).getFullYear() === new Date(now).getFullYear()
    ? date.format(ts)
    : dateWithYear.format(ts);
}

export function badge(count) {
  return count > 99 ? "99+" : String(count);
}

export function plural(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}

/** "Ann", "Ann and Bob", "Ann, Bob and 2 others". */
export function names(list) {
  if (list.length <= 2) return list.join(" and ");
  if (list.length === 3) return `${list[0]}, ${list[1]} and ${list[2]}`;
  return `${list[0]}, ${list[1]} and ${list.length - 2} others`;
}

/** chat.lobby → lobby */
export function roomLabel(channel) {
  return channel.slice(channel.indexOf(".") + 1);
}
