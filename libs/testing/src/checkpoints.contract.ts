import {
  BEGINNING,
  CheckpointConflict,
  type Checkpoints,
  comparePositions,
  type EventStore,
  StoreUnavailable,
} from '@sluice/event-sourcing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MakeStore } from './event-store.contract.ts';
import { appendOf, collect, Listener, StoppedClock } from './steps.ts';

/** What the checkpoints of every EventStore must do. `makeStore` returns an empty store; the suite closes it. */
export function checkpointsContract(name: string, makeStore: MakeStore): void {
  describe(`checkpoints of ${name}`, () => {
    let store: EventStore;
    let checkpoints: Checkpoints;
    beforeEach(async () => {
      store = await makeStore(new StoppedClock());
      ({ checkpoints } = store);
    });
    afterEach(() => store.close());

    describe('saving', () => saving(() => checkpoints));
    describe('conflicting', () => conflicting(() => checkpoints));

    it('are apart from the commits', async () => {
      const live = new Listener(store);
      await checkpoints.save('relay', { position: '1', epoch: 1 }, 0);
      await store.append(appendOf({ stream: 's-1', commitId: 'a' }));
      await checkpoints.save('relay', { position: '2', epoch: 1 }, 1);
      await live.until(({ commits, covered = BEGINNING }) => {
        const [commit] = commits;
        return commit !== undefined && comparePositions(covered, commit.position) >= 0;
      });
      await live.stop();
      expect(live.commits.map(({ commitId }) => commitId)).toEqual(['a']);
      expect((await collect(store.readAll())).map(({ commitId }) => commitId)).toEqual(['a']);
    });

    it('finish what was accepted when the store is closed, then are unavailable', async () => {
      const accepted = checkpoints.save('relay', { position: '1', epoch: 1 }, 0);
      await store.close();
      expect(await accepted).toEqual({ version: 1, position: '1', epoch: 1 });
      await expect(checkpoints.save('relay', { position: '2', epoch: 1 }, 1)).rejects.toThrow(StoreUnavailable);
      await expect(checkpoints.load('relay')).rejects.toThrow(StoreUnavailable);
    });
  });
}

function saving(checkpoints: () => Checkpoints): void {
  it('has none under a name that was never saved', async () => {
    await checkpoints().save('relay', { position: '1', epoch: 1 }, 0);
    expect(await checkpoints().load('other')).toBeUndefined();
  });

  it('returns what was saved last, each time with the next version', async () => {
    expect(await checkpoints().save('relay', { position: '7', epoch: 1 }, 0)).toEqual({
      version: 1,
      position: '7',
      epoch: 1,
    });
    expect(await checkpoints().load('relay')).toEqual({ version: 1, position: '7', epoch: 1 });
    await checkpoints().save('relay', { position: '9007199254740993', epoch: 2 }, 1);
    expect(await checkpoints().load('relay')).toEqual({ version: 2, position: '9007199254740993', epoch: 2 });
  });

  it('takes any position, also one before the last', async () => {
    await checkpoints().save('relay', { position: '7', epoch: 2 }, 0);
    await checkpoints().save('relay', { position: '0', epoch: 3 }, 1);
    expect(await checkpoints().load('relay')).toEqual({ version: 2, position: '0', epoch: 3 });
  });

  it('keeps names apart', async () => {
    await checkpoints().save('relay of catalog/ä', { position: '1', epoch: 1 }, 0);
    await checkpoints().save('relay', { position: '2', epoch: 5 }, 0);
    expect(await checkpoints().load('relay of catalog/ä')).toEqual({ version: 1, position: '1', epoch: 1 });
    expect(await checkpoints().load('relay')).toEqual({ version: 1, position: '2', epoch: 5 });
  });

  it('saves often', async () => {
    for (let version = 0; version < 50; version += 1) {
      await checkpoints().save('relay', { position: String(version + 1), epoch: 1 }, version);
    }
    expect(await checkpoints().load('relay')).toEqual({ version: 50, position: '50', epoch: 1 });
  });
}

function conflicting(checkpoints: () => Checkpoints): void {
  it.each([0, 1, 3])('refuses to save after version %i what is at 2, and changes nothing', async (expectedVersion) => {
    await checkpoints().save('relay', { position: '1', epoch: 1 }, 0);
    await checkpoints().save('relay', { position: '2', epoch: 1 }, 1);
    const error: unknown = await checkpoints()
      .save('relay', { position: '3', epoch: 2 }, expectedVersion)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CheckpointConflict);
    expect(error).toMatchObject({ checkpoint: 'relay', expectedVersion });
    expect(await checkpoints().load('relay')).toEqual({ version: 2, position: '2', epoch: 1 });
  });

  it('refuses a version where there is none', async () => {
    await expect(checkpoints().save('relay', { position: '1', epoch: 1 }, 1)).rejects.toThrow(CheckpointConflict);
    expect(await checkpoints().load('relay')).toBeUndefined();
  });

  it('lets exactly one win when several save at the same time', async () => {
    for (const expectedVersion of [0, 1]) {
      const epochs = [1, 2, 3, 4, 5];
      const outcomes = await Promise.allSettled(
        epochs.map((epoch) => checkpoints().save('relay', { position: '1', epoch }, expectedVersion)),
      );
      const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(won).toHaveLength(1);
      expect(await checkpoints().load('relay')).toEqual(won[0]);
    }
  });
}
