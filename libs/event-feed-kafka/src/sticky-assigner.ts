import kafkajs, { type GroupMember, type PartitionAssigner } from 'kafkajs';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
const NAME = 'sluice-sticky';
const VERSION = 1;

/** A member of the group, and the partitions that it says it has. */
export interface Claim {
  readonly member: string;
  readonly partitions: readonly number[];
}

/** Spreads partitions evenly, and leaves each with who had it where that can be: every move costs a takeover. */
export function stickyAssigner(owned: () => readonly number[]): PartitionAssigner {
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({ version: VERSION, topics, userData: encodeClaim(owned()) }),
    }),
    assign: ({ members, topics }) => {
      const [topic = ''] = topics;
      const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
      const shares = shareOut(partitions, members.map(readClaim));
      const assignment = [...shares].map(([memberId, mine]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: VERSION,
          assignment: { [topic]: [...mine] },
          userData: Buffer.alloc(0),
        }),
      }));
      return Promise.resolve(assignment);
    },
  });
}

/** The partitions of each member: numbers that differ by one at most, the same for the same claims. */
export function shareOut(
  partitions: readonly number[],
  claims: readonly Claim[],
): ReadonlyMap<string, readonly number[]> {
  const free = new Set(partitions);
  const least = Math.floor(partitions.length / claims.length);
  let larger = partitions.length % claims.length;
  const shares = new Map<string, number[]>();
  // Who has most goes first: the larger shares are theirs, so that they lose least.
  const sorted = claims.toSorted(
    (one, other) => other.partitions.length - one.partitions.length || (one.member < other.member ? -1 : 1),
  );
  const quotas = new Map(sorted.map(({ member }) => [member, least + (larger-- > 0 ? 1 : 0)]));
  for (const { member, partitions: claimed } of sorted) {
    const kept = claimed.filter((each) => free.has(each)).slice(0, quotas.get(member));
    for (const each of kept) free.delete(each);
    shares.set(member, kept);
  }
  const rest = [...free].sort((one, other) => one - other);
  for (const [member, share] of shares) share.push(...rest.splice(0, (quotas.get(member) ?? 0) - share.length));
  return shares;
}

function encodeClaim(partitions: readonly number[]): Buffer {
  return Buffer.from(JSON.stringify(partitions));
}

function readClaim({ memberId, memberMetadata }: GroupMember): Claim {
  return { member: memberId, partitions: parseClaim(MemberMetadata.decode(memberMetadata)?.userData) };
}

// Another version of this program may have written it.
function parseClaim(claim: Buffer | undefined): readonly number[] {
  try {
    const parsed: unknown = JSON.parse(claim?.toString('utf8') ?? '');
    return Array.isArray(parsed) ? parsed.filter((each): each is number => Number.isSafeInteger(each)) : [];
  } catch {
    return [];
  }
}
