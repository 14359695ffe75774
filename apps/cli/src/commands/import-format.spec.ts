import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CliError } from '../errors.ts';
import { guessFormat } from './import-format.ts';

const data = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));
const isThere = existsSync(data);
if (!isThere) console.warn('SKIPPED: the formats of real files, for ../shared/data is not there');

/** The format, or why none was found. */
function guess(content: string): string {
  try {
    return guessFormat(content, 'file.json');
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    expect(error).toMatchObject({
      exit: 'usage',
      story: { next: expect.stringContaining('sofa-v2 (a feed of SOFA v2)') as string },
    });
    return error.story.what;
  }
}

describe('guessing the format of a file', () => {
  it.each([
    ['text', 'file.json is not JSON.'],
    ['', 'file.json is not JSON.'],
    ['null', 'file.json has the form of no file that is known here.'],
    ['[]', 'file.json has the form of no file that is known here.'],
    ['{"OSVersions":{}}', 'file.json has the form of no file that is known here.'],
    ['{"OSVersions":[],"SchemaVersion":"2.0"}', 'sofa-v2'],
    ['{"OSVersions":[],"BackgroundSecurityImprovements":[]}', 'sofa-v2'],
    [
      '{"OSVersions":[],"SchemaVersion":"2.0","vulnerabilities":[]}',
      'file.json looks like a feed of SOFA v2 and like a catalog of exploited CVEs (KEV).',
    ],
  ])('says of %s: %s', (content, said) => {
    expect(guess(content)).toBe(said);
  });

  it.runIf(isThere).each([
    ['sofa/v2/ios_data_feed.json', 'sofa-v2'],
    ['sofa/v2/macos_data_feed.json', 'sofa-v2'],
    ['sofa/v2/visionos_data_feed.json', 'sofa-v2'],
    ['sofa/v1/ios_data_feed.json', 'file.json looks like a feed of SOFA v1.'],
    ['sofa/v1/macos_data_feed.json', 'file.json looks like a feed of SOFA v1.'],
    ['sofa/resources/gdmf_cached.json', "file.json looks like an answer of Apple's gdmf."],
    ['cisa-kev/kev_catalog_2026-08-21.json', 'file.json looks like a catalog of exploited CVEs (KEV).'],
    ['cisa-kev/known_exploited_vulnerabilities_2025-08-25.csv', 'file.json is not JSON.'],
    ['cisa-kev/known_exploited_vulnerabilities_schema.json', 'file.json has the form of no file that is known here.'],
    ['sofa/v2/ios_data_feed.schema.json', 'file.json has the form of no file that is known here.'],
    ['sofa/resources/bsi_history.ndjson', 'file.json is not JSON.'],
    ['sofa/resources/uma_catalog.json', 'file.json has the form of no file that is known here.'],
    ['sofa/resources/xprotect.json', 'file.json has the form of no file that is known here.'],
  ])('says of the real %s: %s', (file, said) => {
    expect(guess(readFileSync(`${data}${file}`, 'utf8'))).toBe(said);
  });
});
