// Runs named cases one after another and writes what came of each as JSON.
// What JSON has no form for is tagged: {"$date"}, {"$undefined"}, {"$number"}, {"$bytes"}.
'use strict';

const fs = require('fs');

function plain(value) {
  if (value === undefined) return { $undefined: true };
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
  if (typeof value === 'bigint') return { $bigint: String(value) };
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Date) return { $date: value.toISOString() };
  if (Buffer.isBuffer(value)) return { $bytes: value.toString('base64') };
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function failure(error) {
  if (!(error instanceof Object)) return { message: String(error) };
  const told = { message: String(error.message || error.errMsg || error) };
  for (const key of ['code', 'errCode', 'errMsg', 'requestId']) {
    if (error[key] !== undefined) told[key] = plain(error[key]);
  }
  return told;
}

// `cases` is a list of [name, async () => value].
async function record(cases, file) {
  const results = {};
  for (const [name, run] of cases) {
    try {
      results[name] = { value: plain(await run()) };
    } catch (error) {
      results[name] = { error: failure(error) };
    }
  }
  fs.writeFileSync(file, JSON.stringify(results));
}

module.exports = { record };
