import { type HarmRow, harmSignals, HOUR_MS, MINUTE_MS, PLACES, type Slice, sliceKey } from '@sluice/domain-cohorts';
import { holdBackFrom, letInMs } from '../exposure.ts';
import { watchEndsMs } from '../plan.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { evolve, type Rollout } from '../rollout-state.ts';
import { addHarm, compactTally, harmCounts, type HarmTally, noHarm, onsetAt } from './harm.ts';
import { laggedSignals } from './incidents.ts';
import { ShareHistory } from './share-history.ts';
import { type SliceCounts } from './trials.ts';

/** An install makes a device contact us within this time, which brings what it has kept. */
const FLUSH_MS = 5 * HOUR_MS;
/** An incident that is received later than this was kept. */
const KEPT_MINUTES = 5;
/** More of them than one in so many, and they are judged with a lag; so are signals of which too few are known to say. */
const KEPT_ONE_IN = 10;
const KNOWN_MIN = 10;
/** Incidents of one signal, and those of them that were kept. */
interface Kept {
  all: number;
  kept: number;
}

/** The tallies of one signal on one slice, as if reports came at once, and with a lag. */
interface Tallies {
  readonly atOnce: HarmTally;
  readonly lagged: HarmTally;
}

interface HarmedSlice {
  readonly signals: Map<string, Tallies>;
  /** The counts of its trials with its harm beside them; undefined since an incident came. */
  judged?: { readonly trials: TrialsCounted; readonly counts: SliceCounts } | undefined;
}

type TrialsCounted = Omit<SliceCounts, 'harm'>;

/** The signals of harm, judged against devices without the patch, of one rollout: its own buckets, its own exposure. */
export class RolloutHarm {
  private readonly shares = new Map<number, ShareHistory>();
  private readonly slices = new Map<string, HarmedSlice>();
  /** By signal: incidents of the control group, and of all devices. */
  private readonly control = new Map<string, Kept>();
  private readonly everybody = new Map<string, Kept>();
  private sinceMs: number;
  /** From then on nobody is left without the patch, the watch being over: no more incidents count, and no more onsets. */
  private overMs: number;
  /** When slices were last counted anew by themselves, by their keys. */
  private readonly forgottenMs = new Map<string, number>();

  constructor(
    private state: Rollout,
    private readonly startedMs: number,
  ) {
    this.sinceMs = startedMs;
    this.overMs = this.endMs();
  }

  /** Takes over what the event says of the exposure. */
  apply(event: RolloutEvent): void {
    const atMs = Date.parse(event.at);
    if (event.type === 'ExposureGranted') this.grant(event);
    else if (event.type !== 'WaveBaked' && event.type !== 'WaveWaiting')
      for (const history of this.shares.values()) history.cut(atMs);
    this.state = evolve(this.state, event);
    this.overMs = this.endMs();
  }

  /** Counts anew from an instant on. */
  restart(atMs: number): void {
    this.slices.clear();
    this.sinceMs = Math.max(this.sinceMs, atMs);
  }

  /** Counts a slice anew from an instant on. */
  forget(slice: Slice, atMs: number): void {
    this.slices.delete(sliceKey(slice));
    this.forgottenMs.set(sliceKey(slice), atMs);
  }

  /** Takes an incident of a bucket of these ends. */
  add({ slice, signal, waves, place, minute, received }: HarmRow, bucket: { fromMs: number; toMs: number }): void {
    if (this.isOver(bucket.fromMs)) return;
    const happenedMs = Math.min(bucket.toMs, this.startedMs + minute * MINUTE_MS);
    const receivedMs = Math.min(bucket.toMs, this.startedMs + (received + 1) * MINUTE_MS);
    const event = { minute: (happenedMs - this.sinceMs) / MINUTE_MS, place };
    const share = (ms: number) => this.shareOf(waves, ms);
    const atOnce = { ...event, shareBegin: share(bucket.fromMs), shareEnd: share(bucket.toMs) };
    const lagged = { ...event, shareBegin: share(happenedMs - FLUSH_MS), shareEnd: share(receivedMs) };
    const wasLagged = this.isLagged(signal);
    const isKept = received - minute > KEPT_MINUTES;
    countKept(this.everybody, signal, isKept);
    if (place >= atOnce.shareEnd * PLACES) countKept(this.control, signal, isKept);
    if (this.isLagged(signal) !== wasLagged) for (const each of this.slices.values()) each.judged = undefined;
    // It was counted before the restart, and comes after it.
    if (bucket.toMs <= Math.max(this.sinceMs, this.forgottenMs.get(sliceKey(slice)) ?? -Infinity)) return;
    const tallies = this.talliesOf(slice, signal);
    addHarm(tallies.atOnce, atOnce);
    addHarm(tallies.lagged, lagged);
  }

  /** What the incidents of a slice, by its key, come to, by signal. */
  tallies(slice: string): ReadonlyMap<string, HarmTally> {
    const tallies = new Map<string, HarmTally>();
    for (const [signal, { atOnce, lagged }] of this.slices.get(slice)?.signals ?? [])
      tallies.set(signal, this.isLagged(signal) ? lagged : atOnce);
    return tallies;
  }

  /** Of some slices together, by signal: devices with an incident that are exposed, those of the control group, and their shares by chance. */
  counts(slices: readonly string[]) {
    const bySlice = slices.map((slice) => this.tallies(slice));
    return harmSignals.map((signal) => {
      const { treated, events, expectedShare } = harmCounts(bySlice.flatMap((tallies) => tallies.get(signal) ?? []));
      return { signal, treated, control: events - treated, expectedShare };
    });
  }

  /** The counts of the trials of a slice, by its key, with its harm: the same object until one of them changes. */
  countsWith(trials: TrialsCounted, slice: string): SliceCounts {
    const harmed = this.harmedSlice(slice);
    if (harmed.judged?.trials !== trials) harmed.judged = { trials, counts: { ...trials, harm: this.tallies(slice) } };
    return harmed.judged.counts;
  }

  /** True when no incident can count any more. */
  isOver(atMs: number): boolean {
    return atMs >= this.overMs;
  }

  /** Lets go of what is made anew where it is asked for, and of nothing that the evidence at an instant or later needs. */
  compact(atMs: number): void {
    const onsets = onsetAt(this.minutesAt(atMs));
    for (const { signals } of this.slices.values())
      for (const tallies of signals.values())
        for (const each of [tallies.atOnce, tallies.lagged]) compactTally(each, onsets);
  }

  /** Minutes since the counting began; none go by when it is over, so that time alone lets no evidence fade. */
  minutesAt(ms: number): number {
    return (Math.min(ms, this.overMs) - this.sinceMs) / MINUTE_MS;
  }

  private endMs(): number {
    const { state, shares } = this;
    if (!('exposure' in state) || state.completedAt === undefined) return Infinity;
    const open = state.plan.waves.flatMap(({ ring }, index) => (ring === undefined ? [shares.get(index + 1)] : []));
    const exposedMs = open.map((history) => history?.fullFromMs() ?? Infinity);
    return Math.max(watchEndsMs(state.completedAt, state.plan), letInMs(state), ...exposedMs);
  }

  /**
   * What the control group has kept an install may bring about early. Where it has too few incidents to say, all devices say it:
   * what an install flushes was kept. With the lag nothing would be seen that befalls devices within hours of their install only.
   */
  private isLagged(signal: string): boolean {
    const [control, everybody] = [this.control.get(signal), this.everybody.get(signal)];
    const { all, kept } = (control?.all ?? 0) >= KNOWN_MIN ? (control ?? noneKept) : (everybody ?? noneKept);
    return laggedSignals.includes(signal) || all < KNOWN_MIN || kept * KEPT_ONE_IN > all;
  }

  private talliesOf(slice: Slice, signal: string): Tallies {
    const harmed = this.harmedSlice(sliceKey(slice));
    harmed.judged = undefined;
    const { signals } = harmed;
    const tallies = signals.get(signal) ?? { atOnce: noHarm(), lagged: noHarm() };
    signals.set(signal, tallies);
    return tallies;
  }

  private harmedSlice(key: string): HarmedSlice {
    const harmed: HarmedSlice = this.slices.get(key) ?? { signals: new Map() };
    this.slices.set(key, harmed);
    return harmed;
  }

  private grant({ wave, because, ...granted }: Extract<RolloutEvent, { type: 'ExposureGranted' }>): void {
    // The devices that were held back end the counting, and are no more.
    if (because === 'hold-back') return;
    const history = this.shares.get(wave) ?? new ShareHistory();
    this.shares.set(wave, history);
    history.goes(
      { atMs: Date.parse(granted.from), percent: granted.fromPercent },
      { atMs: Date.parse(granted.to), percent: granted.toPercent },
    );
  }

  /** The share of all places inside any of the waves at an instant. */
  private shareOf(waves: number, ms: number): number {
    if (!('exposure' in this.state)) return 0;
    let percent = 0;
    for (const [wave, history] of this.shares)
      if ((waves & (1 << (wave - 1))) !== 0) percent = Math.max(percent, history.at(ms));
    return Math.min(percent / 100, holdBackFrom(this.state, ms));
  }
}

const noneKept: Readonly<Kept> = { all: 0, kept: 0 };

function countKept(counted: Map<string, Kept>, signal: string, isKept: boolean): void {
  const { all, kept } = counted.get(signal) ?? noneKept;
  counted.set(signal, { all: all + 1, kept: kept + (isKept ? 1 : 0) });
}
