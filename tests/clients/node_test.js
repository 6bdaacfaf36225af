// The clients `influx` (InfluxQL) and `@influxdata/influxdb-client` (the v2 API that a server of
// 1.8 and later has) as their users use them. Run by node_test.py.
'use strict';
const assert = require('node:assert/strict');
const { createRequire } = require('node:module');
const path = require('node:path');
const test = require('node:test');

const load = createRequire(path.join(process.env.VARVE_MODULES, 'package.json'));
const Influx = load('influx');
const { InfluxDB, Point, HttpError, setLogger } = load('@influxdata/influxdb-client');
setLogger({ error() {}, warn() {} });  // failures are asked for below
const { BucketsAPI, DeleteAPI, HealthAPI, PingAPI } = load('@influxdata/influxdb-client-apis');

const url = new URL(process.env.VARVE_URL);
const guardedUrl = new URL(process.env.VARVE_GUARDED_URL);

function influxql(database, more = {}) {
  return new Influx.InfluxDB({ host: url.hostname, port: Number(url.port), database, ...more });
}

test('influx', async (t) => {
  const client = influxql('ocean', {
    schema: [{
      measurement: 'tides',
      fields: { level: Influx.FieldType.FLOAT, n: Influx.FieldType.INTEGER,
                ok: Influx.FieldType.BOOLEAN, note: Influx.FieldType.STRING },
      tags: ['station'],
    }],
  });
  await client.createDatabase('ocean');

  await t.test('pings', async () => {
    const [host] = await client.ping(5000);
    assert.equal(host.online, true);
    assert.match(host.version, /^1\.\d+/);
  });

  await t.test('lists databases', async () => {
    await client.createDatabase('two words');
    assert.deepEqual(await client.getDatabaseNames(), ['ocean', 'two words']);
    await client.dropDatabase('two words');
    assert.deepEqual(await client.getDatabaseNames(), ['ocean']);
  });

  await t.test('writes points with a schema and reads them', async () => {
    await client.writePoints([
      { measurement: 'tides', tags: { station: 'brest' }, timestamp: new Date(1000),
        fields: { level: 1.5, n: 7, ok: true, note: 'a "quoted" \\ note' } },
      { measurement: 'tides', tags: { station: 'dover, uk' }, timestamp: new Date(2000),
        fields: { level: 2 } },
    ]);
    const rows = await client.query('SELECT * FROM tides');
    assert.deepEqual(rows.map((row) => row.station), ['brest', 'dover, uk']);
    assert.equal(rows[0].note, 'a "quoted" \\ note');
    assert.equal(rows[0].n, 7);
    assert.equal(rows[0].time.getTime(), 1000);
    assert.equal(rows[0].time.getNanoTime(), '1000000000');
    assert.equal(rows[1].ok, null);
  });

  await t.test('groups', async () => {
    const rows = await client.query('SELECT mean(level) FROM tides GROUP BY station');
    assert.deepEqual(rows.groups().map((group) => [group.tags.station, group.rows[0].mean]),
                     [['brest', 1.5], ['dover, uk', 2]]);
    assert.equal(rows.group({ station: 'brest' })[0].mean, 1.5);
  });

  await t.test('takes precisions', async () => {
    for (const [precision, factor] of [['h', 3600000], ['m', 60000], ['s', 1000], ['ms', 1]]) {
      await client.writePoints([{ measurement: `p_${precision}`, fields: { v: 1 }, timestamp: 3 }],
                               { precision });
      const [row] = await client.query(`SELECT v FROM p_${precision}`, { precision: 'ms' });
      assert.equal(Number(row.time.getTime()), 3 * factor, precision);
    }
  });

  await t.test('binds placeholders', async () => {
    const rows = await client.query('SELECT level FROM tides WHERE station = $station',
                                    { placeholders: { station: 'dover, uk' } });
    assert.deepEqual(rows.map((row) => row.level), [2]);
  });

  await t.test('runs several statements', async () => {
    const [first, second] = await client.query([
      'SELECT count(level) FROM tides', "SHOW TAG VALUES FROM tides WITH KEY = station"]);
    assert.equal(first[0].count, 2);
    assert.deepEqual(second.map((row) => row.value), ['brest', 'dover, uk']);
    const raw = await client.queryRaw('SELECT level FROM tides; SHOW MEASUREMENTS LIMIT 1');
    assert.equal(raw.results.length, 2);
  });

  await t.test('tells errors', async () => {
    await assert.rejects(client.query('SELECT'), /error parsing query: found EOF/);
    await assert.rejects(client.query('SELECT nosuch(level) FROM tides'), /undefined function/);
    await assert.rejects(influxql('nosuch').writePoints([{ measurement: 'm', fields: { v: 1 } }]),
                         /database not found/);
    await assert.rejects(influxql('ocean').writePoints([
      { measurement: 'tides', fields: { level: 'text' }, timestamp: 1 }]), /field type conflict/);
  });

  await t.test('manages retention policies', async () => {
    await client.createRetentionPolicy('deep', { duration: 'INF', replication: 1 });
    await client.alterRetentionPolicy('deep', { duration: '30d', replication: 1, isDefault: true });
    const policies = await client.showRetentionPolicies();
    assert.deepEqual(policies.map((policy) => [policy.name, policy.duration, policy.default]),
                     [['autogen', '0s', false], ['deep', '720h0m0s', true]]);
    await client.dropRetentionPolicy('deep');
    await client.alterRetentionPolicy('autogen',
                                      { duration: '0s', replication: 1, isDefault: true });
  });

  await t.test('manages continuous queries', async () => {
    await client.createContinuousQuery(
      'hourly', 'SELECT mean(level) INTO low FROM tides GROUP BY time(1h)');
    const shown = await client.showContinousQueries();
    assert.deepEqual(shown.map((query) => query.name), ['hourly']);
    await client.dropContinuousQuery('hourly');
  });

  await t.test('manages users', async () => {
    await client.createUser('ada', 'secret', true);
    await client.createUser('bob', 'pw');
    await client.grantPrivilege('bob', 'READ');
    await client.revokePrivilege('bob', 'READ');
    await client.grantAdminPrivilege('bob');
    await client.revokeAdminPrivilege('bob');
    await client.setPassword('bob', 'new');
    assert.deepEqual((await client.getUsers()).map((user) => [user.user, user.admin]),
                     [['ada', true], ['bob', false]]);
    await client.dropUser('ada');
    await client.dropUser('bob');
  });

  await t.test('lists and drops measurements and series', async () => {
    assert.ok((await client.getMeasurements()).includes('tides'));
    assert.ok((await client.getSeries()).includes('tides,station=brest'));
    await client.dropSeries({ where: (e) => e.tag('station').equals.value('brest') });
    assert.ok(!(await client.getSeries()).includes('tides,station=brest'));
    await client.dropMeasurement('tides');
    assert.ok(!(await client.getMeasurements()).includes('tides'));
    await client.dropDatabase('ocean');
  });
});

test('@influxdata/influxdb-client', async (t) => {
  await influxql('lake').createDatabase('lake');
  const client = new InfluxDB({ url: url.href, token: 'nobody:nothing' });

  for (const [title, options] of [['plain', {}], ['packed', { gzipThreshold: 0 }]]) {
    await t.test(`writes ${title} lines`, async () => {
      const api = client.getWriteApi('', 'lake/autogen', 'ms', options);
      api.useDefaultTags({ way: title });
      api.writePoint(new Point('depth').tag('place', 'a b').floatField('v', 1.5).timestamp(1000));
      api.writePoint(new Point('depth').tag('place', 'c').intField('n', 7).timestamp(2000));
      api.writeRecord('depth,place=d v=3 3000');
      await api.close();
      const rows = await influxql('lake').query(
        `SELECT * FROM depth WHERE way = '${title}'`, { precision: 'ms' });
      assert.deepEqual(rows.map((row) => [row.time.getTime(), row.place, row.v, row.n]),
                       [[1000, 'a b', 1.5, null], [2000, 'c', null, 7]]);
      assert.equal((await influxql('lake').query("SELECT v FROM depth WHERE place = 'd'")).length,
                   1);
    });
  }

  await t.test('writes in every precision', async () => {
    for (const [precision, factor] of [['ns', 1n], ['us', 1000n], ['ms', 1000000n],
                                       ['s', 1000000000n]]) {
      const api = client.getWriteApi('', 'lake', precision);
      api.writeRecord(`p_${precision} v=1 3`);
      await api.close();
      const [row] = await influxql('lake').query(`SELECT v FROM p_${precision}`);
      assert.equal(BigInt(row.time.getNanoTime()), 3n * factor, precision);
    }
  });

  await t.test('tells why a write failed', async () => {
    for (const [bucket, line, status, text] of [
      ['nosuch/autogen', 'm v=1', 404, /database not found: \\?"nosuch/],
      ['lake/nosuch', 'm v=1', 500, /retention policy not found: nosuch/],
      ['/x', 'm v=1', 404, /is in db\/rp form but has an empty database/],
      ['lake', 'm', 400, /unable to parse 'm': missing fields/],
    ]) {
      const api = client.getWriteApi('', bucket, 'ns', { maxRetries: 0, writeFailed: () => {} });
      api.writeRecord(line);
      await assert.rejects(api.close(), (error) => {
        assert.ok(error instanceof HttpError);
        assert.equal(error.statusCode, status);
        assert.match(String(error.message) + error.body, text);
        return true;
      });
    }
  });

  await t.test('is told that there is no Flux', async () => {
    const rows = client.getQueryApi('').collectRows('from(bucket: "lake") |> range(start: 0)');
    await assert.rejects(rows, (error) => {
      assert.equal(error.statusCode, 403);
      assert.match(String(error.message) + error.body,
                   /Flux query service disabled\. Verify flux-enabled=true/);
      return true;
    });
  });

  await t.test('sees the health', async () => {
    const health = await new HealthAPI(client).getHealth();
    assert.equal(health.status, 'pass');
    assert.equal(health.name, 'influxdb');
    assert.equal(health.message, 'ready for queries and writes');
    await new PingAPI(client).getPing();
  });

  await t.test('deletes', async () => {
    const api = new DeleteAPI(client);
    await api.postDelete({
      bucket: 'lake/autogen',
      body: { start: '1970-01-01T00:00:00Z', stop: '1970-01-01T00:00:02Z',
              predicate: '_measurement="depth" AND way="packed"' },
    });
    const rows = await influxql('lake').query("SELECT * FROM depth WHERE way = 'packed'",
                                              { precision: 'ms' });
    assert.deepEqual(rows.map((row) => row.time.getTime()), [2000]);
    await assert.rejects(api.postDelete({
      bucket: 'lake/autogen',
      body: { start: '1970-01-01T00:00:00Z', stop: '1970-01-01T00:00:02Z',
              predicate: 'way="packed" OR way="plain"' },
    }), /only supports equality operators and conjunctions/);
  });

  await t.test('manages buckets', async () => {
    const api = new BucketsAPI(client);
    const made = await api.postBuckets({ body: {
      orgID: '', name: 'pond/week', retentionRules: [{ type: 'expire', everySeconds: 604800 }] } });
    assert.equal(made.name, 'pond/week');
    assert.equal(made.retentionRules[0].everySeconds, 604800);
    const added = await api.postBuckets({ body: { orgID: '', name: 'pond/ever',
                                                  retentionRules: [] } });
    assert.equal(added.retentionRules[0].everySeconds, 0);
    assert.deepEqual((await api.getBuckets()).buckets.map((bucket) => bucket.name),
                     ['lake/autogen', 'pond/week', 'pond/ever']);
    assert.deepEqual((await api.getBuckets({ name: 'pond/ever' })).buckets.map((b) => b.id),
                     ['pond/ever']);
    const bucketID = encodeURIComponent('pond/week');
    const changed = await api.patchBucketsID({ bucketID,
                                               body: { retentionRules: [{ everySeconds: 1209600 }] } });
    assert.equal(changed.retentionRules[0].everySeconds, 1209600);
    assert.equal((await api.getBucketsID({ bucketID })).retentionRules[0].everySeconds, 1209600);
    await assert.rejects(api.patchBucketsID({ bucketID,
                                              body: { retentionRules: [{ everySeconds: 60 }] } }),
                         /retention policy duration must be at least 1h0m0s/);
    await assert.rejects(api.getBucketsIDLabels({ bucketID }),
                         /bucket labels not supported in this version/);
    await api.deleteBucketsID({ bucketID });
    await assert.rejects(api.getBucketsID({ bucketID }), /bucket not found: \\?"pond\/week/);
  });
});

test('credentials', async (t) => {
  const guarded = (more) => new Influx.InfluxDB(
    { host: guardedUrl.hostname, port: Number(guardedUrl.port), database: 'ocean', ...more });
  await guarded().createUser('ada', 'secret', true);
  // It names itself root when it is given no name.
  await assert.rejects(guarded().getDatabaseNames(), /authorization failed/);
  const admin = guarded({ username: 'ada', password: 'secret' });
  await admin.createDatabase('ocean');
  await admin.createUser('bob', 'pw');
  await admin.grantPrivilege('bob', 'WRITE');

  await t.test('of influx', async () => {
    const bob = guarded({ username: 'bob', password: 'pw' });
    await bob.writePoints([{ measurement: 'm', fields: { v: 1 } }]);
    await assert.rejects(bob.query('SELECT v FROM m'), /not authorized/);
    await assert.rejects(guarded({ username: 'bob', password: 'x' }).query('SELECT v FROM m'),
                         /authorization failed/);
  });

  await t.test('of @influxdata/influxdb-client', async () => {
    const as = (token) => new InfluxDB({ url: guardedUrl.href, token });
    const write = async (token) => {
      const api = as(token).getWriteApi('', 'ocean', 'ns',
                                        { maxRetries: 0, writeFailed: () => {} });
      api.writeRecord('m v=2');
      await api.close();
    };
    await write('bob:pw');
    await assert.rejects(write('bob:x'), /authorization failed/);
    await assert.rejects(write('opaque'), /unable to parse authentication credentials/);
    const listed = async (token) => (await new BucketsAPI(as(token)).getBuckets()).buckets.length;
    assert.equal(await listed('ada:secret'), 1);
    assert.equal(await listed('bob:pw'), 0);
    await assert.rejects(new BucketsAPI(as('bob:pw')).postBuckets({ body: { name: 'x/y' } }),
                         (error) => error.statusCode === 403);
  });
});
