/** Builds the least of an ELF shared library: a header and the four sections that the glibc patch reads. */

export const MACHINE = { x64: 62, arm64: 183 };

export interface TinyElf {
  machine?: number;
  /** Library → the versions that are needed of it. */
  needs: Record<string, string[]>;
  /** Undefined symbols: name, library, version. */
  symbols: [name: string, library: string, version: string][];
}

interface Section {
  type: number;
  link: number;
  content: Buffer;
}

export function tinyElf({ machine = MACHINE.x64, needs, symbols }: TinyElf): Buffer {
  const names = [...Object.keys(needs), ...Object.values(needs).flat(), ...symbols.map(([name]) => name)];
  const strings = Buffer.from(`\0${names.join("\0")}\0`, "latin1");
  const stringAt = (text: string) => strings.indexOf(`\0${text}\0`) + 1;
  // Indexes 0 and 1 mean "local" and "global"; every needed version has its own, libraries notwithstanding.
  const indexes = new Map<string, number>();
  for (const [library, versions] of Object.entries(needs)) {
    for (const version of versions) indexes.set(`${library} ${version}`, 2 + indexes.size);
  }
  const indexOf = (library: string, version: string) => indexes.get(`${library} ${version}`) ?? 0;

  const dynsym = Buffer.alloc(24 * (symbols.length + 1));
  const versym = Buffer.alloc(2 * (symbols.length + 1));
  for (const [i, [name, library, version]] of symbols.entries()) {
    dynsym.writeUInt32LE(stringAt(name), 24 * (i + 1));
    versym.writeUInt16LE(indexOf(library, version), 2 * (i + 1));
  }
  const verneed = Object.entries(needs).map(([library, versions], i, all) =>
    needOf(
      stringAt(library),
      i === all.length - 1,
      versions.map((v) => [stringAt(v), indexOf(library, v)]),
    ),
  );
  return assemble(machine, [
    { type: 3, link: 0, content: strings },
    { type: 11, link: 0, content: dynsym },
    { type: 0x6fffffff, link: 1, content: versym },
    { type: 0x6ffffffe, link: 0, content: Buffer.concat(verneed) },
  ]);
}

/** The name and version index of each undefined symbol, as a loader would read them. */
export function symbolsOf(image: Buffer): { name: string; index: number }[] {
  const [strings = 0, dynsym = 0, versym = 0] = sectionOffsets(image);
  const count = (versym - dynsym) / 24;
  return Array.from({ length: count }, (_, i) => {
    const at = strings + image.readUInt32LE(dynsym + 24 * i);
    return {
      name: image.toString("latin1", at, image.indexOf(0, at)),
      index: image.readUInt16LE(versym + 2 * i),
    };
  }).filter(({ name }) => name !== "");
}

function needOf(name: number, isLast: boolean, versions: [name: number, index: number][]): Buffer {
  const need = Buffer.alloc(16 + 16 * versions.length);
  need.writeUInt16LE(versions.length, 2);
  need.writeUInt32LE(name, 4);
  need.writeUInt32LE(16, 8);
  need.writeUInt32LE(isLast ? 0 : need.length, 12);
  for (const [i, [version, index]] of versions.entries()) {
    const at = 16 + 16 * i;
    need.writeUInt16LE(index, at + 6);
    need.writeUInt32LE(version, at + 8);
    need.writeUInt32LE(i === versions.length - 1 ? 0 : 16, at + 12);
  }
  return need;
}

function assemble(machine: number, sections: Section[]): Buffer {
  const header = Buffer.alloc(64);
  header.write("\x7fELF\x02\x01", "latin1");
  header.writeUInt16LE(machine, 18);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(sections.length, 60);
  const table = Buffer.alloc(64 * sections.length);
  let offset = header.length;
  for (const [i, { type, link, content }] of sections.entries()) {
    table.writeUInt32LE(type, 64 * i + 4);
    table.writeBigUInt64LE(BigInt(offset), 64 * i + 24);
    table.writeBigUInt64LE(BigInt(content.length), 64 * i + 32);
    table.writeUInt32LE(link, 64 * i + 40);
    offset += content.length;
  }
  header.writeBigUInt64LE(BigInt(offset), 40);
  return Buffer.concat([header, ...sections.map(({ content }) => content), table]);
}

function sectionOffsets(image: Buffer): number[] {
  const table = Number(image.readBigUInt64LE(40));
  return Array.from({ length: image.readUInt16LE(60) }, (_, i) =>
    Number(image.readBigUInt64LE(table + 64 * i + 24)),
  );
}
