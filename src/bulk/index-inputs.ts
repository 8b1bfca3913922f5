import { statSync } from "node:fs";
import { dirname } from "node:path";
import { bytesOf, nameOf } from "../model/path-name.ts";
import type { IndexFacts } from "../search/index-facts.ts";
import { isGlob, splitGlob } from "./glob.ts";
import { absoluteName } from "./items/absolute-path.ts";

/** An operand as an index knows it. */
export interface IndexInput {
  /** Its place in the index's list of inputs. */
  number: number;
  /** The folder that the paths of its files are relative to; "" where it is a URL. */
  root: string;
}

/** Notes the operands of a run in the facts of its index. */
export function noteInputs(operands: readonly string[], facts: IndexFacts): IndexInput[] {
  return operands.map((operand) => {
    const root = rootOf(operand);
    if (root !== "") numberIn(facts.roots, nameOf(bytesOf(root)));
    return { number: numberIn(facts.inputs, inputName(operand)), root };
  });
}

/**
 * Finds the place of the first input of which a run has met nothing: nothing can be told to be gone then, since an empty
 * folder may be a disk that is not mounted. It is -1 where all were met.
 */
export function unmetInput(inputs: readonly IndexInput[], met: ReadonlySet<number>): number {
  return inputs.findIndex(({ number }) => !met.has(number));
}

/** Where a value stands in a list, to which it is added if it is new. */
export function numberIn(list: string[], value: string): number {
  const at = list.indexOf(value);
  return at >= 0 ? at : list.push(value) - 1;
}

const isUrl = (operand: string) => /^https?:\/\//i.test(operand);

/** Names an operand in the facts of an index. */
export function inputName(operand: string): string {
  return operand === "-" || isUrl(operand) ? operand : absoluteName(operand);
}

function rootOf(operand: string): string {
  if (isUrl(operand)) return "";
  if (operand === "-") return absoluteName(".");
  const found = statSync(bytesOf(operand), { throwIfNoEntry: false });
  if (!found && isGlob(operand)) return absoluteName(splitGlob(operand).base);
  return found?.isDirectory() ? absoluteName(operand) : dirname(absoluteName(operand));
}
