/** A made-up device. Its system only says what it was told to do: put the calls of a real one in its place. */
import { run } from './device-agent.mjs';

const { SLUICE_URL = 'http://127.0.0.1:4600', SLUICE_TOKEN } = process.env;

const device = {
  deviceId: 'd-1',
  platform: 'ios',
  model: 'iPhone18,1',
  osVersion: '26.3.1',
  osBuild: '23D8133',
  track: 'automatic',
  ring: 'beta',
  installed: [],
  failed: [],
  removed: [],
};

const system = {
  async install({ patchId }) {
    console.log(`installing ${patchId}`);
    return { osBuild: '23D771330a', installed: [patchId] };
  },
  async remove({ patchIds }) {
    console.log(`removing ${patchIds.join(', ')}`);
    return { osBuild: '23D8133', installed: [] };
  },
  async askUser() {
    return true;
  },
};

await run({ url: SLUICE_URL, token: SLUICE_TOKEN, device, system });
