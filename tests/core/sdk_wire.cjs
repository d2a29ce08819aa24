// Records what the SDK sends for conditions and changes: node sdk_wire.cjs > sdk_wire.json
// Needs @cloudbase/database beside it or on NODE_PATH; nothing leaves this process.
const { Db } = require('@cloudbase/database');
const { version } = require('@cloudbase/database/package.json');

const sent = [];
Db.reqClass = class {
  async send(action, parameters) {
    sent.push([action, parameters]);
    return { requestId: 'x', data: { list: [], updated: 0, upsert_id: null } };
  }
};
Db.createSign = () => ({});
Db.getAccessToken = async () => '';
const db = new Db({});
const _ = db.command;
const $ = _.aggregate;
const point = (longitude, latitude) => new db.Geo.Point(longitude, latitude);
const square = new db.Geo.Polygon([
  new db.Geo.LineString([point(0, 0), point(2, 0), point(2, 2), point(0, 2), point(0, 0)]),
]);
const at = (ms) => new Date(ms);

const conditions = {
  'plain value': { n: 5 },
  'null': { n: null },
  'nested object is flattened': { o: { a: { b: 1 } } },
  'empty object says nothing': { o: {} },
  '_.eq of an object': { o: _.eq({ a: 1 }) },
  'array': { tags: ['a', 'b'] },
  'date': { at: at(1000) },
  '_.neq': { n: _.neq(5) },
  '_.gt': { n: _.gt(5) },
  '_.gte of a date': { at: _.gte(at(1000)) },
  '_.lt.and(_.gt)': { n: _.lt(7).and(_.gt(1)) },
  '_.gt(1).and(_.lt(5))': { n: _.gt(1).and(_.lt(5)) },
  '_.and of a field': { n: _.and(_.gt(1), _.lt(9)) },
  '_.or of a field': { n: _.or(_.lt(2), _.gt(7)) },
  '_.or list of a field': { n: _.or([_.eq(1), _.eq(9)]) },
  '_.eq.or': { n: _.eq(1).or(_.eq(9)) },
  '_.or of two fields': { n: _.or(_.eq(1), _.eq(5)), s: _.or(_.eq('x'), _.eq('y')) },
  '_.nor of a field': { n: _.nor(_.eq(1), _.gt(7)) },
  '_.not': { n: _.not(_.gt(5)) },
  '_.in': { n: _.in([1, 9]) },
  '_.in with null': { n: _.in([null, 9]) },
  '_.nin': { n: _.nin([1, 9]) },
  '_.exists(true)': { n: _.exists(true) },
  '_.exists(false)': { n: _.exists(false) },
  '_.mod': { n: _.mod(4, 1) },
  '_.size': { tags: _.size(2) },
  '_.all': { tags: _.all(['a', 'b']) },
  '_.elemMatch of objects': { list: _.elemMatch({ k: 'p', v: _.gt(3) }) },
  '_.elemMatch of scalars': { nums: _.elemMatch(_.gt(4).and(_.lt(6))) },
  '_.elemMatch with one condition': { nums: _.elemMatch(_.gt(8)) },
  'element field': { 'list.v': 5 },
  'element by index': { 'tags.0': 'b' },
  'RegExp literal': { s: /^X/i },
  'db.RegExp': { s: new db.RegExp({ regexp: '^x', options: 'i' }) },
  'db.RegExp with g': { s: new db.RegExp({ regexp: 'y', options: 'g' }) },
  '_.in with a RegExp': { s: _.in([/^x/, 'y']) },
  '_.not of a RegExp': { s: _.not(/^x/) },
  '_.elemMatch with a RegExp': { list: _.elemMatch({ k: /q/ }) },
  'serverDate with offset': { at: _.lt(new db.serverDate({ offset: -1000 })) },
  '_.and of objects': _.and([{ n: _.gt(1) }, { s: 'y' }]),
  '_.or of objects': _.or([{ n: 1 }, { s: 'y' }]),
  '_.or of an object and a field': _.or({ n: 1 }, { tags: _.size(1) }),
  '_.nor of objects': _.nor([{ n: 1 }, { s: 'y' }]),
  '_.and with _.or inside': _.and(_.or({ n: 1 }, { n: 9 }), { s: _.exists(true) }),
  '_.geoWithin': { place: _.geoWithin({ geometry: square }) },
  '_.geoWithin of a circle': { place: _.geoWithin({ centerSphere: [[0, 0], 0.03] }) },
  '_.geoIntersects': { place: _.geoIntersects({ geometry: square }) },
  '_.geoNear': { place: _.geoNear({ geometry: point(0, 0), maxDistance: 300000, minDistance: 1 }) },
  '_.jsonSchema': _.jsonSchema({ required: ['n'], properties: { n: { bsonType: 'int', minimum: 6 } } }),
  '_.expr': _.expr($.gt(['$n', 4])),
  '_.expr beside a field': _.and([{ s: _.exists(true) }, _.expr($.eq([$.size($.ifNull(['$list', []])), 1]))]),
  'ObjectId': { ref: new db.ObjectId({ id: '5f'.repeat(12) }) },
};

const changes = {
  'plain value': { n: 6 },
  'nested object is flattened': { o: { a: { c: 2 } } },
  'array is replaced': { tags: ['z'] },
  'empty object is nothing': { n: 6, o: {} },
  '_.set of an object': { o: _.set({ z: 1 }) },
  'dotted name': { 'o.a.b': 7 },
  'element by index': { 'tags.1': 'z' },
  'date': { at: at(2000) },
  'serverDate': { at: new db.serverDate() },
  'serverDate inside an object and an array': { o: { at: new db.serverDate({ offset: 60000 }) }, tags: [{ at: new db.serverDate() }] },
  'geo point': { place: point(1, 2) },
  '_.remove': { n: _.remove() },
  '_.remove inside': { o: { a: _.remove() } },
  '_.inc': { n: _.inc(2), 'o.a.b': _.inc(-1), fresh: _.inc(3) },
  '_.inc of a fraction': { n: _.inc(0.5) },
  '_.mul': { n: _.mul(3), fresh: _.mul(3) },
  '_.min': { n: _.min(3), m: _.min(3) },
  '_.max': { n: _.max(9), s: _.max(5) },
  '_.rename': { n: _.rename('count') },
  '_.rename inside': { o: { a: _.rename('o.moved') } },
  '_.bit': { n: _.bit({ and: 4 }) },
  '_.push one': { tags: _.push('c') },
  '_.push several': { tags: _.push(['c', 'd']) },
  '_.push arguments': { tags: _.push('c', 'd') },
  '_.push each, position, sort, slice': { nums: _.push({ each: [8, 0], position: 1, sort: 1, slice: 3 }) },
  '_.push objects sorted by a field': { list: _.push({ each: [{ k: 'r', v: 4 }], sort: { v: -1 }, slice: -2 }) },
  '_.push a serverDate': { tags: _.push([{ at: new db.serverDate({ offset: -5 }) }]) },
  '_.push creates': { fresh: _.push(['a']) },
  '_.pop': { tags: _.pop() },
  '_.shift': { tags: _.shift() },
  '_.unshift': { tags: _.unshift(['y', 'z']) },
  '_.pull a value': { tags: _.pull('a') },
  '_.pull by a condition': { nums: _.pull(_.gte(5)) },
  '_.pull by _.in': { tags: _.pull(_.in(['a', 'q'])) },
  '_.pull objects': { list: _.pull({ k: 'p' }) },
  '_.pull objects by a condition': { list: _.pull({ v: _.gt(4) }) },
  '_.pullAll': { nums: _.pullAll([5, 6]) },
  '_.addToSet': { tags: _.addToSet('a'), nums: _.addToSet(7) },
  '_.addToSet each': { tags: _.addToSet({ $each: ['a', 'c', 'c'] }) },
  'several at once': { n: _.inc(1), s: 'z', tags: _.push(['c']), o: { a: { b: _.mul(2) } } },
};

async function record(label, ask) {
  sent.length = 0;
  await ask();
  return [label, sent[0] ? sent[0][1] : null];
}

async function main() {
  const result = { source: `@cloudbase/database ${version}`, conditions: {}, changes: {} };
  for (const [label, where] of Object.entries(conditions)) {
    const [, parameters] = await record(label, () => db.collection('c').where(where).get());
    result.conditions[label] = parameters.query;
  }
  for (const [label, data] of Object.entries(changes)) {
    const [, parameters] = await record(label, () => db.collection('c').doc('1').update(data));
    result.changes[label] = parameters.data;
  }
  console.log(JSON.stringify(result, null, 1));
}

main();
