import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createMetrics } from "../../src/metrics.ts";
import { createQueueMetrics } from "../../src/queue/metrics.ts";

const folder = resolve(import.meta.dirname, "../../examples/monitoring");
const read = (name: string) => readFileSync(join(folder, name), "utf8");

/** The time series of the service by name, with the labels that a query may use. */
const series = new Map<string, string[]>();

beforeAll(async () => {
  const { registry } = createMetrics();
  const counts = async () => ({ waiting: 0, active: 0, failed: 0, oldestSeconds: 0 });
  createQueueMetrics(registry, counts).stop();
  for (const metric of await registry.getMetricsAsJSON()) {
    // Its types do not declare it.
    const { labelNames } = registry.getSingleMetric(metric.name) as unknown as { labelNames?: string[] };
    const labels = [...(labelNames ?? []), "instance", "job"];
    const isHistogram = String(metric.type) === "histogram";
    if (!isHistogram) series.set(metric.name, labels);
    else for (const part of ["bucket", "sum", "count"]) series.set(`${metric.name}_${part}`, [...labels, "le"]);
  }
});

interface Dashboard {
  panels: { title: string; targets: { expr: string; legendFormat: string }[] }[];
  templating: { list: { query: string }[] };
}

describe("the Grafana dashboard", () => {
  const dashboard: Dashboard = JSON.parse(read("grafana-dashboard.json"));

  it("asks for metrics and labels that exist", () => {
    const targets = dashboard.panels.flatMap((panel) => panel.targets);
    expect(targets.length).toBeGreaterThan(10);
    for (const { expr, legendFormat } of targets) {
      expect(faultsOf(expr)).toEqual([]);
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
      const known = [...series].flatMap(([name, labels]) => (expr.includes(name) ? labels : []));
      expect(known).toEqual(expect.arrayContaining(shown));
    }
    for (const { query } of dashboard.templating.list.slice(1)) expect(query).toContain("encoder_model_info");
  });

  it("shows every metric of the service", () => {
    const shown = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join();
    const own = [...series.keys()].filter((name) => name.startsWith("encoder_") && !/_(sum|count)$/.test(name));
    expect(own.filter((name) => !shown.includes(name.replace(/_bucket$/, "_")))).toEqual([
      "encoder_model_info",
      "encoder_device_info",
    ]);
  });
});

describe("the alert rules", () => {
  it("ask for metrics and labels that exist", () => {
    const rules = read("alerts.yaml")
      .split(/^ +- alert: /m)
      .slice(1);
    expect(rules.length).toBeGreaterThan(5);
    for (const rule of rules) {
      const [, expr = ""] = /expr: (?:\|\n)?([\s\S]*?)\n +(?:for|labels):/.exec(rule) ?? [];
      expect(expr).toMatch(/\w+_\w+|up\{/);
      expect(faultsOf(expr)).toEqual([]);
    }
  });
});

/** Finds metrics and labels of an expression that the service does not have. Prometheus itself has `up`. */
function faultsOf(expr: string): string[] {
  const faults: string[] = [];
  for (const [, name = "", selector = ""] of expr.matchAll(/\b((?:encoder|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)) {
    const labels = series.get(name);
    if (!labels) faults.push(name);
    const asked = [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label);
    for (const label of asked) if (labels && !labels.includes(label)) faults.push(`${name}{${label}}`);
  }
  return faults;
}
