import { short, spread, spreadCell } from "../spread.ts";

/** The figures of one slice of a contender's time, by name. */
export type Figures = Record<string, number>;

/** Collects what every contender's slices gave, round by round. */
export class Measurements {
  /** By contender and figure. */
  readonly values: Record<string, Record<string, number[]>>;

  /** @param earlier what slices of earlier runs gave */
  constructor({ measured = {} }: { measured?: Record<string, Record<string, number[]>> } = {}) {
    this.values = measured;
  }

  add(contender: string, figures: Figures): void {
    this.values[contender] ??= {};
    for (const [figure, value] of Object.entries(figures)) {
      this.values[contender][figure] = [...this.of(contender, figure), value];
    }
  }

  of(contender: string, figure: string): number[] {
    return this.values[contender]?.[figure] ?? [];
  }

  /** Gives the names of all figures of these contenders, in the order in which they came. */
  figures(contenders: readonly string[]): string[] {
    return [...new Set(contenders.flatMap((name) => Object.keys(this.values[name] ?? {})))];
  }

  /** Prints the median (lowest–highest) for a table. */
  cell(contender: string, figure: string): string {
    const values = this.of(contender, figure);
    return values.length === 0 ? "" : spreadCell(spread(values));
  }

  /** Prints the median of the rounds' ratios, since the two sides of each were measured within a minute. */
  ratio(figure: string, { above, below }: { above: string; below: string }): string {
    const lower = this.of(below, figure);
    const ratios = this.of(above, figure).map((value, round) => value / lower[round]!);
    return ratios.length > 0 && ratios.every(Number.isFinite) ? short(spread(ratios).median) : "";
  }
}
