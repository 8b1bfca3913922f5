import type * as sdk from "@aws-sdk/client-s3";
import { EncoderError } from "../errors.ts";
import { loadOptional } from "../host/optional-package.ts";
import type { SharedStore } from "./store.ts";

/** S3 takes pieces of 5 MiB and more; a part of most runs is smaller than one and goes up at once. */
const pieceBytes = 8 * 1024 * 1024;

type S3 = typeof sdk;

interface Place {
  s3: S3;
  client: sdk.S3Client;
  bucket: string;
  keyOf(path: string): string;
}

/**
 * Opens an output in S3 or what speaks its protocol. Region, endpoint and credentials come from where the SDK looks for them:
 * AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, profiles, roles.
 */
export async function s3Store(place: string): Promise<SharedStore> {
  const [, bucket, prefix = ""] = /^s3:\/\/([^/]+)(?:\/(.*?))?\/*$/.exec(place) ?? [];
  if (bucket === undefined) throw new EncoderError("CONFIG_INVALID", "--out: expected s3://bucket/prefix.");
  const s3 = await loadOptional(
    { purpose: "S3", packages: ["@aws-sdk/client-s3"] },
    () => import("@aws-sdk/client-s3"),
  );
  const client = new s3.S3Client({
    forcePathStyle: true, // every server knows endpoint/bucket; bucket.endpoint needs names that not every network has
    requestChecksumCalculation: "WHEN_REQUIRED", // the SDK's own default is refused by servers of others
  });
  const keyOf = (path: string) => (prefix === "" ? path : `${prefix}/${path}`);
  const at: Place = { s3, client, bucket, keyOf };
  const object = (path: string) => ({ Bucket: bucket, Key: keyOf(path) });
  return {
    put: (path, chunks) => attempt(() => upload(at, path, chunks)),
    create: (path, bytes) =>
      attempt(async () => {
        const command = new s3.PutObjectCommand({ ...object(path), Body: bytes, IfNoneMatch: "*" });
        return client.send(command).then(
          () => true,
          (error) => {
            if (statusOf(error) === 412 || statusOf(error) === 409) return false;
            throw error;
          },
        );
      }),
    get: (path) =>
      attempt(async () => {
        const found = await client.send(new s3.GetObjectCommand(object(path))).catch(ifMissing);
        return found?.Body?.transformToByteArray();
      }),
    has: (path) =>
      attempt(async () => (await client.send(new s3.HeadObjectCommand(object(path))).catch(ifMissing)) !== undefined),
    remove: (path) =>
      attempt(async () => {
        await client.send(new s3.DeleteObjectCommand(object(path)));
      }),
    tidy: async () => {}, // an object is there when it is whole
  };
}

/** Puts an object: at once where it fits into a piece, and else piece by piece; either way nobody sees a part of it. */
async function upload({ s3, client, bucket, keyOf }: Place, path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const object = { Bucket: bucket, Key: keyOf(path) };
  const pieces = piecesOf(chunks);
  const first = pieces.next().value ?? Buffer.alloc(0);
  let next = pieces.next();
  if (next.done) {
    await client.send(new s3.PutObjectCommand({ ...object, Body: first }));
    return;
  }
  const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand(object));
  try {
    const parts: { PartNumber: number; ETag: string | undefined }[] = [];
    const send = async (Body: Uint8Array) => {
      const PartNumber = parts.length + 1;
      const { ETag } = await client.send(new s3.UploadPartCommand({ ...object, UploadId, PartNumber, Body }));
      parts.push({ PartNumber, ETag });
    };
    await send(first);
    for (; !next.done; next = pieces.next()) await send(next.value);
    await client.send(
      new s3.CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts: parts } }),
    );
  } catch (error) {
    // Pieces that nobody joins are paid for.
    await client.send(new s3.AbortMultipartUploadCommand({ ...object, UploadId })).catch(() => {});
    throw error;
  }
}

function* piecesOf(chunks: Iterable<Uint8Array>): Generator<Uint8Array, undefined> {
  let held: Uint8Array[] = [];
  let size = 0;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + pieceBytes - size);
      held.push(part);
      size += part.length;
      at += part.length;
      if (size < pieceBytes) continue;
      yield Buffer.concat(held);
      held = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(held);
}

/** Errors of the SDK carry the answer's status; they may carry the request as well, so they are not passed on. */
function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function ifMissing(error: unknown): undefined {
  if (statusOf(error) !== 404 || (error as Error).name === "NoSuchBucket") throw error;
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { name, message } = error as Error; // of the SDK
    throw new EncoderError("STORAGE_FAILED", `The S3 output cannot be used: ${name}.`, { internal: message });
  }
}
