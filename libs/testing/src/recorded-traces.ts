import { type Step, type StepDetails, Traces } from '@sluice/event-sourcing';

interface RecordedStep {
  readonly name: string;
  readonly parent: string | undefined;
  readonly traceparent: string;
  readonly details: StepDetails;
  /** Undefined while it has not ended; null when it ended well. */
  failure: string | null | undefined;
}

/** Keeps the steps that were begun, each with a context of its own. */
export class RecordedTraces extends Traces {
  readonly steps: RecordedStep[] = [];

  override begin(name: string, parent?: string, { details = {} }: { readonly details?: StepDetails } = {}): Step {
    const traceparent = traceparentOf(this.steps.length + 1);
    const step: RecordedStep = { name, parent, traceparent, details, failure: undefined };
    this.steps.push(step);
    return {
      traceparent,
      add: () => undefined,
      end: (failure) => void (step.failure = failure ?? null),
    };
  }
}

/** The context of the step with this number, all of one trace. */
export function traceparentOf(number: number): string {
  return `00-0af7651916cd43dd8448eb211c80319c-${number.toString(16).padStart(16, '0')}-01`;
}
