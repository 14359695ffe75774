export const platforms = ['ios', 'macos', 'visionos', 'tvos', 'watchos'] as const;
export type Platform = (typeof platforms)[number];

/** `manual`: the user decides about each patch. */
export const tracks = ['automatic', 'manual'] as const;
export type Track = (typeof tracks)[number];

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
