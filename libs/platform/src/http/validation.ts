import { type ValidationError, ValidationPipe } from '@nestjs/common';
import { type FieldFault, toPointerToken } from '@sluice/contracts/errors';
import { faultText, type SchemaFault } from '@sluice/contracts/pattern-words';
import { ValidateIf } from 'class-validator';
import { ProblemError } from './problem.ts';

/** A field that may be left out. class-validator's own IsOptional lets null pass as well, which no field here means. */
export const Optional = () => ValidateIf((_, value) => value !== undefined);

/** Checks bodies and queries against their class-validator classes; unknown fields are refused, every fault is named at once. */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    transformOptions: { exposeDefaultValues: true },
    exceptionFactory: (faults) => new ProblemError('invalid-request', undefined, toFieldFaults(faults)),
  });
}

/** class-validator's tree of faults as a flat list with JSON Pointers. */
export function toFieldFaults(faults: readonly ValidationError[], parent = ''): FieldFault[] {
  return faults.flatMap((fault) => {
    const path = `${parent}/${toPointerToken(fault.property)}`;
    const own = Object.entries(fault.constraints ?? {}).map(([rule, detail]) => ({ path, code: kebab(rule), detail }));
    return [...own, ...toFieldFaults(fault.children ?? [], path)];
  });
}

function kebab(rule: string): string {
  return rule.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/^-/, '');
}

/** The faults of a JSON Schema check, as far as they are worth telling. */
export function toSchemaFaults(faults: readonly PlacedFault[]): FieldFault[] {
  return faults.slice(0, SCHEMA_FAULTS_MAX).map((fault) => ({
    path: fault.instancePath,
    code: fault.keyword,
    detail: faultText(fault),
  }));
}

/** The first of them in one line, for what is refused among others; empty for none. */
export function schemaFaultsText(faults: readonly PlacedFault[]): string {
  const first = faults.slice(0, FAULTS_IN_TEXT_MAX);
  return first.map((fault) => `${fault.instancePath || '/'}: ${faultText(fault)}`).join('; ');
}

interface PlacedFault extends SchemaFault {
  readonly instancePath: string;
}

const SCHEMA_FAULTS_MAX = 50;
const FAULTS_IN_TEXT_MAX = 5;
