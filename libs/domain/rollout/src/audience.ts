/** Which devices a wave or a hold is about; an absent field means all. */
export interface Audience {
  readonly family?: readonly string[];
  readonly model?: readonly string[];
  readonly base?: readonly string[];
}

/** What membership in an audience depends on. */
export interface Subject {
  readonly family: string;
  readonly model: string;
  readonly base: string;
}

/** An audience made ready for many membership tests. */
export interface CompiledAudience {
  readonly families: ReadonlySet<string> | undefined;
  readonly models: ReadonlySet<string> | undefined;
  readonly bases: ReadonlySet<string> | undefined;
}

/** Families whose models carry another name, by the letters that the model begins with. */
const FAMILIES_BY_PREFIX: Readonly<Record<string, string>> = {
  iMac: 'Mac',
  VirtualMac: 'Mac',
  RealityDevice: 'Vision',
};

/** The family of a model: iPhone18,1 → iPhone, MacBookPro18,3 → Mac, RealityDevice14,1 → Vision. */
export function familyOf(model: string): string {
  const end = model.search(/[^A-Za-z]/);
  const letters = end === -1 ? model : model.slice(0, end);
  if (letters.startsWith('Mac')) return 'Mac';
  for (const [prefix, family] of Object.entries(FAMILIES_BY_PREFIX)) if (letters.startsWith(prefix)) return family;
  return letters;
}

/** The audience field by field, without what does not belong to it. */
export function toAudience({ family, model, base }: Audience): Audience {
  return { ...(family && { family }), ...(model && { model }), ...(base && { base }) };
}

export function compileAudience(audience: Audience = {}): CompiledAudience {
  return { families: toSet(audience.family), models: toSet(audience.model), bases: toSet(audience.base) };
}

/** True when devices like this one belong to the audience. */
export function includes({ families, models, bases }: CompiledAudience, subject: Subject): boolean {
  return (
    (bases === undefined || bases.has(subject.base)) &&
    (models === undefined || models.has(subject.model)) &&
    (families === undefined || families.has(subject.family))
  );
}

function toSet(values: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return values && new Set(values);
}
