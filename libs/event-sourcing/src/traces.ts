/** What a step says of itself beside its name. Never a device id: who reads traces need not know devices. */
export type StepDetails = Readonly<Record<string, string | number | undefined>>;

export type StepKind = 'server' | 'producer' | 'consumer' | 'internal';

/** One step on the way of a command, from its request to what follows from it in other processes. */
export interface Step {
  /** W3C trace context: what follows from the step carries it. Undefined where nothing is traced. */
  readonly traceparent: string | undefined;
  /** Adds to what the step says of itself. */
  add(details: StepDetails): void;
  /** `failure`: the code of why the step has failed, where it has (`failureCode`); words may say what strangers have sent. */
  end(failure?: string): void;
}

/** The port to whoever collects traces. Steps cost nothing worth measuring where nobody does. */
export abstract class Traces {
  /** `parent`: the trace context of what the step follows from; without one it begins a trace. */
  abstract begin(
    name: string,
    parent: string | undefined,
    options?: { readonly kind?: StepKind; readonly details?: StepDetails },
  ): Step;

  /** Does work as a step where it follows from something that is traced, and without one elsewhere. */
  async during<Result>(
    name: string,
    { parent, ...options }: { readonly parent: string | undefined; kind?: StepKind; details?: StepDetails },
    work: (traceparent: string | undefined) => Promise<Result>,
  ): Promise<Result> {
    if (parent === undefined) return work(undefined);
    const step = this.begin(name, parent, options);
    try {
      const result = await work(step.traceparent);
      step.end();
      return result;
    } catch (error) {
      step.end(failureCode(error));
      throw error;
    }
  }
}

const CODE = /^[\w.-]{1,64}$/;

/** What a trace says of a failure: its code, or its kind where it has none. Its words may repeat what somebody has sent. */
export function failureCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code = 'code' in error ? String(error.code) : error.name;
  return CODE.test(code) ? code : 'Error';
}

/** Hands trace contexts on, and tells nobody. */
export const untraced: Traces = new (class extends Traces {
  override begin(_name: string, parent: string | undefined): Step {
    return { traceparent: parent, add: () => undefined, end: () => undefined };
  }
})();
