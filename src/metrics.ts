import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { EncoderObserver } from "./encoder/contract.ts";

/** From a tenth of a millisecond (tokenising) to half a minute (a deadline). */
const secondsBuckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

const modelLabels = ["model", "dimensions", "image_precision", "text_precision", "version"];

export type Metrics = ReturnType<typeof createMetrics>;

/** Creates every metric of the service, in a registry of its own. Times are seconds; `tower` is image or text. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const histogram = <L extends string>(name: string, help: string, labelNames: L[], buckets = secondsBuckets) =>
    new Histogram({ name, help, labelNames, buckets, registers });
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers });

  // process_resident_memory_bytes, nodejs_eventloop_lag_seconds and the like
  collectDefaultMetrics({ register: registry });

  const metrics = {
    registry,
    // requests
    requests: counter("encoder_requests_total", "Answered requests.", ["route", "method", "status", "protocol"]),
    requestSeconds: histogram("encoder_request_seconds", "Time from a request's head to its answer's end.", ["route"]),
    requestsInFlight: gauge("encoder_requests_in_flight", "Encode requests being worked on.", []),
    bodyBytesInFlight: gauge("encoder_body_bytes_in_flight", "Bytes of the bodies of encode requests in flight.", []),
    errors: counter("encoder_errors_total", "Requests refused or failed, by error code.", ["code"]),
    connectionsDropped: counter("encoder_connections_dropped_total", "Connections beyond MAX_CONNECTIONS.", []),
    items: counter("encoder_items_total", "Texts or images that were encoded.", ["tower", "protocol"]),
    truncated: counter("encoder_truncated_texts_total", "Texts cut to the model's longest sequence.", []),
    fetches: counter("encoder_fetches_total", "Image URLs, by outcome: ok or an error code.", ["outcome"]),
    // stages of an item's way
    fetchSeconds: histogram("encoder_fetch_seconds", "Time to fetch one image URL.", []),
    decodeSeconds: histogram("encoder_decode_seconds", "Time to decode and resize one image, waiting included.", []),
    tokenizeSeconds: histogram("encoder_tokenize_seconds", "Time to tokenise one request's texts.", []),
    queueSeconds: histogram("encoder_queue_seconds", "Time spent waiting for the tower.", ["tower"]),
    inferenceSeconds: histogram("encoder_inference_seconds", "Time of one batch in the tower.", ["tower"]),
    // engines
    batchSize: histogram("encoder_batch_size", "Items in one batch.", ["tower"], [1, 2, 4, 8, 16, 32, 64, 128]),
    queueDepth: gauge("encoder_queue_depth", "Items waiting for the tower.", ["tower"]),
    engineDeaths: counter("encoder_engine_deaths_total", "Engine threads that died and were replaced.", ["tower"]),
    decoderEnds: counter("encoder_decoder_ends_total", "Decoder processes that ended and were replaced.", ["reason"]),
    modelInfo: gauge("encoder_model_info", "Always 1; its labels say what is served.", modelLabels),
    deviceInfo: gauge("encoder_device_info", "Always 1; what DEVICE asks for, and what is used.", ["wanted", "used"]),
  };

  // From nothing to 1 is no increase to Prometheus: what alerts watch must start at 0.
  for (const tower of ["image", "text"]) metrics.engineDeaths.inc({ tower }, 0);
  for (const reason of ["crashed", "killed", "hung", "grown"]) metrics.decoderEnds.inc({ reason }, 0);

  const observer: EncoderObserver = {
    onTimings(tower, { fetchMs, decodeMs, tokenizeMs, queueMs }) {
      if (fetchMs !== undefined) metrics.fetchSeconds.observe(fetchMs / 1000);
      if (decodeMs !== undefined) metrics.decodeSeconds.observe(decodeMs / 1000);
      if (tokenizeMs !== undefined) metrics.tokenizeSeconds.observe(tokenizeMs / 1000);
      if (queueMs !== undefined) metrics.queueSeconds.observe({ tower }, queueMs / 1000);
    },
    onBatch(tower, { size, inferenceMs }) {
      metrics.batchSize.observe({ tower }, size);
      metrics.inferenceSeconds.observe({ tower }, inferenceMs / 1000);
    },
    onQueueDepth: (tower, depth) => metrics.queueDepth.set({ tower }, depth),
    onEngineDeath: (tower) => metrics.engineDeaths.inc({ tower }),
    onDecoderEnd: (reason) => metrics.decoderEnds.inc({ reason }),
    onFetch: (outcome) => metrics.fetches.inc({ outcome }),
  };
  return { ...metrics, observer };
}
