// Makes a shared library that was linked against glibc 2.38 load on an older glibc, where all it wants of 2.38
// is the C23 flavour of three number-reading functions. Pure: a Buffer in, what was done out; no file is touched.
//
// Since 2.38 a compiler in C23 mode calls strtol as `__isoc23_strtol`. The old function is still there under its old
// name, and the name ends with it: an ELF symbol's name is an offset into a string table, so moving the offset past
// the 9 characters `__isoc23_` is enough to name the old function. Three edits, all in place:
//   1. .dynsym:         st_name += 9 for each of the three symbols
//   2. .gnu.version:    their version becomes the base version of the same library (GLIBC_2.2.5 on x86-64)
//   3. .gnu.version_r:  the GLIBC_2.38 requirement is marked weak, so that the loader no longer insists on it

const PREFIX = "__isoc23_";
const REPLACEABLE = new Set(["__isoc23_strtol", "__isoc23_strtoul", "__isoc23_sscanf"]);
const WANTED = "GLIBC_2.38";
// The oldest version that glibc offers on each machine, by ELF e_machine: x86-64 and aarch64.
const BASE_VERSION = new Map([
  [62, "GLIBC_2.2.5"],
  [183, "GLIBC_2.17"],
]);

const SHT_DYNSYM = 11;
const SHT_VERNEED = 0x6ffffffe;
const SHT_VERSYM = 0x6fffffff;
const VER_FLG_WEAK = 0x2;
const VERSION_INDEX_MASK = 0x7fff; // the top bit of a version index means "hidden"
const SYMBOL_BYTES = 24;

/**
 * Edits `image` in place so that it loads where glibc is older than 2.38.
 * Throws, without having changed a byte, if the image needs more of 2.38 than can be replaced.
 *
 * @param {Buffer} image a 64-bit little-endian ELF shared library
 * @returns {{ changed: boolean, symbols: string[] }} `changed: false` if there was nothing to do
 */
export function relaxGlibc238(image) {
  const sections = readSections(image);
  const symbols = only(sections, SHT_DYNSYM, ".dynsym");
  const versions = only(sections, SHT_VERSYM, ".gnu.version");
  const needs = only(sections, SHT_VERNEED, ".gnu.version_r");
  const base = BASE_VERSION.get(image.readUInt16LE(18));
  if (!base) throw new Error("neither an x86-64 nor an aarch64 binary");

  // Everything is found and checked before the first byte is changed.
  const edits = readNeeds(image, needs, sections[needs.link]).flatMap((library) => {
    const wanted = library.versions.find((version) => version.name === WANTED);
    if (!wanted || wanted.flags & VER_FLG_WEAK) return [];
    const replacement = library.versions.find((version) => version.name === base);
    if (!replacement) throw new Error(`${library.name} is needed without its base version ${base}`);
    const found = symbolsOfVersion(image, symbols, versions, sections[symbols.link], wanted.index);
    const others = found.filter((symbol) => !REPLACEABLE.has(symbol.name)).map((symbol) => symbol.name);
    if (others.length > 0) throw new Error(`${others.join(", ")} of ${WANTED} cannot be replaced`);
    return { wanted, replacement, found };
  });
  for (const { wanted, replacement, found } of edits) {
    for (const symbol of found) {
      image.writeUInt32LE(image.readUInt32LE(symbol.at) + PREFIX.length, symbol.at);
      image.writeUInt16LE(replacement.index, symbol.versionAt);
    }
    image.writeUInt16LE(wanted.flags | VER_FLG_WEAK, wanted.flagsAt);
  }
  return {
    changed: edits.length > 0,
    symbols: edits.flatMap(({ found }) => found.map((symbol) => symbol.name)),
  };
}

/**
 * The glibc versions an image insists on, e.g. ["GLIBC_2.2.5", "GLIBC_2.36"]; weak ones are left out.
 *
 * @param {Buffer} image
 * @returns {string[]}
 */
export function requiredGlibcVersions(image) {
  const sections = readSections(image);
  const needs = only(sections, SHT_VERNEED, ".gnu.version_r");
  const versions = readNeeds(image, needs, sections[needs.link]).flatMap((library) => library.versions);
  const strong = versions.filter((version) => !(version.flags & VER_FLG_WEAK));
  return [...new Set(strong.map((version) => version.name).filter((name) => name.startsWith("GLIBC_")))];
}

function readSections(image) {
  const is64BitLittleEndianElf =
    image.length >= 64 && image.readUInt32BE(0) === 0x7f454c46 && image[4] === 2 && image[5] === 1;
  if (!is64BitLittleEndianElf) throw new Error("not a 64-bit little-endian ELF file");
  const tableAt = Number(image.readBigUInt64LE(40));
  const entryBytes = image.readUInt16LE(58);
  return Array.from({ length: image.readUInt16LE(60) }, (_, i) => {
    const at = tableAt + i * entryBytes;
    return {
      type: image.readUInt32LE(at + 4),
      offset: Number(image.readBigUInt64LE(at + 24)),
      size: Number(image.readBigUInt64LE(at + 32)),
      link: image.readUInt32LE(at + 40),
    };
  });
}

function only(sections, type, name) {
  const section = sections.find((candidate) => candidate.type === type);
  if (!section) throw new Error(`no ${name} section`);
  return section;
}

/** Reads .gnu.version_r: a chain of libraries, each with a chain of the versions that are needed of it. */
function readNeeds(image, section, strings) {
  const libraries = [];
  for (let at = section.offset; ; ) {
    const versions = [];
    for (let auxAt = at + image.readUInt32LE(at + 8); ; ) {
      versions.push({
        flagsAt: auxAt + 4,
        flags: image.readUInt16LE(auxAt + 4),
        index: image.readUInt16LE(auxAt + 6),
        name: readString(image, strings, image.readUInt32LE(auxAt + 8)),
      });
      const next = image.readUInt32LE(auxAt + 12);
      if (next === 0) break;
      auxAt += next;
    }
    libraries.push({ name: readString(image, strings, image.readUInt32LE(at + 4)), versions });
    const next = image.readUInt32LE(at + 12);
    if (next === 0) return libraries;
    at += next;
  }
}

function symbolsOfVersion(image, symbols, versions, strings, index) {
  const found = [];
  for (let i = 0; i * SYMBOL_BYTES < symbols.size; i++) {
    const versionAt = versions.offset + i * 2;
    if ((image.readUInt16LE(versionAt) & VERSION_INDEX_MASK) !== index) continue;
    const at = symbols.offset + i * SYMBOL_BYTES;
    found.push({ at, versionAt, name: readString(image, strings, image.readUInt32LE(at)) });
  }
  return found;
}

function readString(image, strings, offset) {
  const from = strings.offset + offset;
  return image.toString("latin1", from, image.indexOf(0, from));
}
