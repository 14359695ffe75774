import { appendFile, rename, stat } from 'node:fs/promises';
import type * as Core from '@opentelemetry/core';
import { type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';

/** Two files of this size at most: the present one, and the one before it. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
export const PRIVATE_FILE_MODE = 0o600;

type Done = Parameters<SpanExporter['export']>[1];

/** What it needs of OpenTelemetry, which is loaded only where something is exported. */
interface Loaded {
  readonly ExportResultCode: typeof Core.ExportResultCode;
  readonly JsonTraceSerializer: {
    serializeRequest(spans: ReadableSpan[]): Uint8Array | undefined;
  };
}

/**
 * Appends spans to a file as OTLP in JSON lines, which collectors read (`otlpjsonfile`) and people can. A file that is full
 * becomes `<path>.1`, in place of the one before.
 */
export class SpanFile implements SpanExporter {
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly loaded: Loaded,
    private readonly bytesMax = FILE_BYTES_MAX,
  ) {}

  export(spans: ReadableSpan[], done: Done): void {
    const { SUCCESS, FAILED } = this.loaded.ExportResultCode;
    this.last = this.last
      .then(() => this.append(spans))
      .then(
        () => done({ code: SUCCESS }),
        (error: unknown) => done({ code: FAILED, error: error instanceof Error ? error : new Error(String(error)) }),
      );
  }

  forceFlush(): Promise<void> {
    return this.last;
  }

  shutdown(): Promise<void> {
    return this.last;
  }

  private async append(spans: ReadableSpan[]): Promise<void> {
    const request = this.loaded.JsonTraceSerializer.serializeRequest(spans);
    if (request === undefined) return;
    const { size } = await stat(this.path).catch(() => ({ size: 0 }));
    if (size > 0 && size + request.length > this.bytesMax) await rename(this.path, `${this.path}.1`);
    await appendFile(this.path, `${Buffer.from(request).toString()}\n`, { mode: PRIVATE_FILE_MODE });
  }
}
