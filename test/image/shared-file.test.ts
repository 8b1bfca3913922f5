import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createDecoder } from "../../src/image/decoder.ts";
import { createPreprocessor } from "../../src/image/preprocess.ts";
import { openSharedFile, type SharedFile, writeShared } from "../../src/image/shared-file.ts";

const folder = mkdtempSync(join(tmpdir(), "shared-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a shared file", () => {
  it("gives one process what another has written, without a name in any folder", () => {
    const file = openSharedFile([join(folder, "missing"), folder])!;
    expect(readdirSync(folder)).toEqual([]);
    const script = `require("node:fs").writeSync(3, "from the child", 0)`;
    spawnSync(process.execPath, ["-e", script], { stdio: ["ignore", "ignore", "ignore", file.descriptor] });
    const bytes = Buffer.alloc(14);
    expect(file.fill(bytes)).toBe(true);
    expect(bytes.toString()).toBe("from the child");
    file.close();
  });

  it("does not give less than was asked for, nor another file under its number", () => {
    const file = openSharedFile([folder])!;
    expect(writeShared(file.descriptor, Buffer.from("four"))).toBe(true);
    expect(file.fill(Buffer.alloc(5))).toBe(false);
    file.close();
    file.close();
    const other = openSync("/dev/zero", "r");
    expect(other).toBe(file.descriptor);
    expect(file.fill(Buffer.alloc(4))).toBe(false);
    closeSync(other);
  });

  it("tells where nothing can be written", () => {
    expect(openSharedFile([join(folder, "missing")])).toBeUndefined();
    const full = openSync("/dev/full", "r+");
    expect(writeShared(full, Buffer.from("four"))).toBe(false);
    closeSync(full);
  });
});

const picture = readFileSync(resolve(import.meta.dirname, "../fixtures/images/icc.jpg"));
const options = { ...settingsWith(serviceSettings), spec: { size: 32, resize: 32, background: null } };

describe("a decoder", () => {
  const full = () => openSync("/dev/full", "r+");
  it.each<[string, () => SharedFile | undefined]>([
    ["has no file to share", () => undefined],
    ["finds no room in it", () => ({ descriptor: full(), fill: () => false, close() {} })],
  ])("sends pixels in its reply where it %s", async (_where, openFile) => {
    const decoder = createDecoder({ ...options, decodeProcesses: 1, openFile });
    const expected = await createPreprocessor(options.spec, options)(picture);
    expect(await decoder.decode(picture)).toMatchObject({ data: new Uint8Array(expected.data) });
    await decoder.close();
  });

  it("does not take what was in a file before for pixels", async () => {
    const ends: string[] = [];
    const openFile = () => {
      const file = openSharedFile()!;
      return { ...file, fill: () => false };
    };
    const decoder = createDecoder({ ...options, decodeProcesses: 1, openFile, onEnd: (reason) => ends.push(reason) });
    await expect(decoder.decode(picture)).rejects.toMatchObject({ code: "IMAGE_UNREADABLE" });
    await decoder.close();
    expect(ends).toEqual(["crashed", "crashed"]);
  });

  it("puts pixels where others were that came back, and leaves alone those that did not", async () => {
    const decoder = createDecoder({ ...options, decodeProcesses: 1 });
    const first = await decoder.decode(picture);
    const kept = new Uint8Array(first.data);
    const black = await decoder.decode(
      await sharp({ create: { width: 32, height: 32, channels: 3, background: "#000" } })
        .png()
        .toBuffer(),
    );
    expect(first.data).toEqual(kept);
    decoder.giveBack(black);
    const again = await decoder.decode(picture);
    expect(again.data.buffer).toBe(black.data.buffer);
    expect(again.data).toEqual(kept);
    await decoder.close();
  });
});
