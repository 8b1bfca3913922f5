import { describe, expect, it } from "vitest";
import { type Address, readAddress, writeAddress } from "../../../web/src/query/address.ts";

const empty: Address = {
  ...{ view: "search", text: "", terms: [], collection: undefined, cut: 0, sentences: [], pictureIds: [] },
};

describe("an address", () => {
  it("holds a state and gives it back, whatever the words are", () => {
    const address: Address = {
      ...empty,
      view: "compare",
      text: `it's "50%" & #1 + более 🎈\n`,
      terms: [
        { weight: -0.5, text: "a:b@c" },
        { weight: 2, pictureId: "red-apple-3d-13ec4ec4" },
      ],
      collection: "photographs",
      cut: 40,
      sentences: ["one", "two & three"],
      pictureIds: ["dog-flat-e43d491c"],
    };
    expect(readAddress(writeAddress(address))).toEqual(address);
  });

  it("is empty for the state that the page starts in", () => {
    expect(writeAddress(empty)).toBe("");
    expect(readAddress("")).toEqual(empty);
  });

  it("is read with care: a stranger may have written it", () => {
    const read = readAddress("#view=admin&in=secrets&cut=9e9&t=x&t=99:a&t=-1@b&t=:c");
    expect(read).toEqual({
      ...empty,
      cut: 100,
      terms: [
        { weight: 5, text: "a" },
        { weight: -1, pictureId: "b" },
      ],
    });
    expect(readAddress(`#${"t=1:a&".repeat(1000)}`).terms).toHaveLength(16);
  });
});
