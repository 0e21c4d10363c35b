// SPDX-License-Identifier: Apache-2.0
// OpenAI's own Node client against a server: node openai_videos.mjs URL KEY CLIP FOLDER. Prints what it saw as JSON.
import fs from 'node:fs';
import path from 'node:path';
import OpenAI from 'openai';

const [url, apiKey, clip, folder] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const seen = {};

async function save(video, name) {
  const content = await client.videos.downloadContent(video.id);
  fs.writeFileSync(path.join(folder, name), Buffer.from(await content.arrayBuffer()));
}

// The Node client has no poll of its own.
async function finished(id) {
  for (;;) {
    const { data, response } = await client.videos.retrieve(id).withResponse();
    if (data.status !== 'queued' && data.status !== 'in_progress') return data;
    await new Promise((resolve) => setTimeout(resolve, Number(response.headers.get('openai-poll-after-ms'))));
  }
}

async function failure(work) {
  try {
    await work();
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code, param: error.param,
      requestID: error.requestID };
  }
  return null;
}

const video = await client.videos.create({ model: 'longtake-cpu', prompt: 'rain', seconds: '4', size: '480x480' });
seen.created = await finished(video.id);
await save(video, 'created.mp4');
const thumbnail = await client.videos.downloadContent(video.id, { variant: 'thumbnail' });
seen.thumbnail = thumbnail.headers.get('content-type');

const byFile = await client.videos.extend({ video: fs.createReadStream(clip), prompt: 'on it goes', seconds: '4' });
const byId = await client.videos.extend({ video: { id: video.id }, prompt: 'on it goes', seconds: '4' });
const byJson = await client.post('/videos/extensions', {
  body: { video: { id: video.id }, prompt: 'on it goes', seconds: '4' },
});
seen.extended = [];
for (const [number, one] of [byFile, byId, byJson].entries()) {
  seen.extended.push(await finished(one.id));
  await save(one, `extended-${number}.mp4`);
}
const remixed = await client.videos.remix(video.id, { prompt: 'black and white' });
seen.remixed = await finished(remixed.id);
const edited = await client.videos.edit({ video: { id: video.id }, prompt: 'fade to black' });
seen.edited = await finished(edited.id);

seen.listed = [];
for await (const one of client.videos.list({ limit: 2, order: 'asc' })) seen.listed.push(one.id);

seen.unknown = await failure(() => client.videos.retrieve('sora-2:018f0000-0000-7000-8000-00000000dead'));
seen.refused = await failure(() => client.videos.create({ model: 'no-such-model', prompt: 'x' }));
seen.stranger = await failure(() => client.withOptions({ apiKey: 'sk-wrong' }).videos.list());
seen.url = await failure(() =>
  client.videos.create({ prompt: 'x', input_reference: { image_url: 'http://127.0.0.1/x.png' } }));

seen.deleted = await client.videos.delete(video.id);
seen.gone = await failure(() => client.videos.retrieve(video.id));
console.log(JSON.stringify(seen));
