import assert from "node:assert/strict";
import { test } from "node:test";
import { relaxGlibc238, requiredGlibcVersions } from "../../setup/elf-versions.mjs";
import { MACHINE, symbolsOf, type TinyElf, tinyElf } from "./tiny-elf.js";

const WANTS_238: TinyElf = {
  needs: {
    "libm.so.6": ["GLIBC_2.2.5"],
    "libc.so.6": ["GLIBC_2.36", "GLIBC_2.38", "GLIBC_2.2.5"],
  },
  symbols: [
    ["pow", "libm.so.6", "GLIBC_2.2.5"],
    ["__isoc23_strtol", "libc.so.6", "GLIBC_2.38"],
    ["malloc", "libc.so.6", "GLIBC_2.2.5"],
    ["__isoc23_strtoul", "libc.so.6", "GLIBC_2.38"],
    ["arc4random", "libc.so.6", "GLIBC_2.36"],
    ["__isoc23_sscanf", "libc.so.6", "GLIBC_2.38"],
  ],
};

test("what is wanted of 2.38 gets its older name and the base version of the same library", () => {
  const image = tinyElf(WANTS_238);
  const before = symbolsOf(image);
  assert.deepEqual(relaxGlibc238(image), {
    changed: true,
    symbols: ["__isoc23_strtol", "__isoc23_strtoul", "__isoc23_sscanf"],
  });
  const malloc = before.find(({ name }) => name === "malloc")!;
  assert.deepEqual(
    symbolsOf(image),
    before.map(({ name, index }) =>
      name.startsWith("__isoc23_")
        ? { name: name.slice("__isoc23_".length), index: malloc.index }
        : { name, index },
    ),
  );
});

test("2.38 is then no longer required, and nothing else has changed", () => {
  const image = tinyElf(WANTS_238);
  assert.deepEqual(requiredGlibcVersions(image), ["GLIBC_2.2.5", "GLIBC_2.36", "GLIBC_2.38"]);
  relaxGlibc238(image);
  assert.deepEqual(requiredGlibcVersions(image), ["GLIBC_2.2.5", "GLIBC_2.36"]);
});

test("a second time there is nothing to do", () => {
  const image = tinyElf(WANTS_238);
  relaxGlibc238(image);
  const once = Buffer.from(image);
  assert.deepEqual(relaxGlibc238(image), { changed: false, symbols: [] });
  assert.ok(image.equals(once));
});

test("an arm64 image has another base version", () => {
  const image = tinyElf({
    machine: MACHINE.arm64,
    needs: { "libc.so.6": ["GLIBC_2.17", "GLIBC_2.38"] },
    symbols: [["__isoc23_strtol", "libc.so.6", "GLIBC_2.38"]],
  });
  assert.equal(relaxGlibc238(image).changed, true);
  assert.deepEqual(requiredGlibcVersions(image), ["GLIBC_2.17"]);
});

const REFUSED: [why: string, image: Buffer, message: RegExp][] = [
  [
    "another function of 2.38",
    tinyElf({ ...WANTS_238, symbols: [...WANTS_238.symbols, ["strlcpy", "libc.so.6", "GLIBC_2.38"]] }),
    /strlcpy of GLIBC_2\.38 cannot be replaced/,
  ],
  [
    "a library without its base version",
    tinyElf({
      needs: { "libc.so.6": ["GLIBC_2.38"] },
      symbols: [["__isoc23_strtol", "libc.so.6", "GLIBC_2.38"]],
    }),
    /without its base version/,
  ],
  ["another machine", tinyElf({ ...WANTS_238, machine: 8 }), /neither an x86-64 nor an aarch64/],
  ["another kind of file", Buffer.from("#!/bin/sh\n"), /not a 64-bit little-endian ELF/],
];

for (const [why, image, message] of REFUSED) {
  test(`${why} is refused, and the image left as it was`, () => {
    const before = Buffer.from(image);
    assert.throws(() => relaxGlibc238(image), message);
    assert.ok(image.equals(before));
  });
}
