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
