// The endpoints around /query and /write of the real program: the v2 API, Prometheus' remote
// protocol, credentials. One row a request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <snappy.h>
#include <stdlib.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/strings.h"
#include "tests/server/varved_process.h"
#include "tests/temporary_folder.h"

namespace varve::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpApiTest : public ::testing::Test {
 protected:
  void Start(const std::string& config = "") {
    std::ofstream(root_ + "/varve.conf") << config;
    varved_ = std::make_unique<VarvedProcess>(
        root_ + "/data", std::vector<std::string>{"--config", root_ + "/varve.conf"});
    client_ = std::make_unique<httplib::Client>("127.0.0.1", varved_->port());
    client_->set_read_timeout(60);
  }

  httplib::Result Send(const std::string& method, const std::string& path,
                       const std::string& body = "", httplib::Headers headers = {}) {
    httplib::Request request;
    request.method = method;
    request.path = path;
    request.body = body;
    request.headers = std::move(headers);
    if (!body.empty()) request.set_header("Content-Length", std::to_string(body.size()));
    return client_->send(request);
  }
  // "STATUS BODY" without the newline at the end.
  std::string Answer(const std::string& method, const std::string& path,
                     const std::string& body = "", httplib::Headers headers = {}) {
    const auto answer = Send(method, path, body, std::move(headers));
    if (!answer) return "no answer";
    std::string text = base::StrCat(answer->status, " ", answer->body);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
  }
  std::string Query(const std::string& text, const std::string& more = "") {
    const auto answer =
        client_->Post("/query?" + more, httplib::Params{{"db", "d"}, {"epoch", "ns"}, {"q", text}});
    return answer ? answer->body : "no answer";
  }

  const TemporaryFolder temporary_;
  const std::string root_ = temporary_.path();
  std::unique_ptr<VarvedProcess> varved_;
  std::unique_ptr<httplib::Client> client_;
};

TEST_F(HttpApiTest, WritesOfTheV2Api) {
  Start();
  Query("CREATE DATABASE d");
  const struct {
    const char* parameters;
    const char* body;
    const char* answer;
  } rows[] = {
      {"bucket=d/autogen&org=x&orgID=y&precision=s", "m v=1 1", "204"},
      {"bucket=d&precision=ms", "m v=2 2000", "204"},
      {"bucket=d/&precision=us", "m v=3 3000000", "204"},
      {"bucket=d/autogen&precision=ns", "m v=4 4000000000", "204"},
      {"bucket=d", "m v=5 5000000000", "204"},
      {"bucket=d&precision=h", "m v=1",
       "400 {\"error\":\"invalid precision \\\"h\\\" (use ns, us, ms or s)\"}"},
      {"bucket=d&precision=n", "m v=1",
       "400 {\"error\":\"invalid precision \\\"n\\\" (use ns, us, ms or s)\"}"},
      {"", "m v=1",
       "404 {\"error\":\"bucket name \\\"\\\" is missing a slash; not in "
       "\\\"database/retention-policy\\\" format\"}"},
      {"bucket=/rp", "m v=1",
       "404 {\"error\":\"bucket name \\\"/rp\\\" is in db/rp form but has an empty database\"}"},
      {"bucket=x", "m v=1", "404 {\"error\":\"database not found: \\\"x\\\"\"}"},
      {"bucket=d/x", "m v=1", "500 {\"error\":\"retention policy not found: x\"}"},
      {"bucket=d", "m", "400 {\"error\":\"unable to parse 'm': missing fields\"}"},
      {"bucket=d&consistency=x", "m v=1", "400 {\"error\":\"invalid consistency level\"}"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Answer("POST", base::StrCat("/api/v2/write?", row.parameters), row.body), row.answer)
        << row.parameters;
  }
  EXPECT_THAT(Query("SELECT v FROM m"),
              HasSubstr("[[1000000000,1],[2000000000,2],[3000000000,3],[4000000000,4],"
                        "[5000000000,5]]"));
  EXPECT_EQ(Answer("GET", "/api/v2/write?bucket=d"), "405 Method Not Allowed");
}

TEST_F(HttpApiTest, DeletesOfTheV2Api) {
  Start();
  Query("CREATE DATABASE d; CREATE RETENTION POLICY r ON d DURATION INF REPLICATION 1");
  const auto refill = [this] {
    Send("POST", "/write?db=d&precision=s",
         "m,t=a v=1 1\nm,t=a v=2 2\nm,t=b v=3 2\nn,t=a v=4 2\nm,t=a\\ b,u=x v=5 3\n");
    Send("POST", "/write?db=d&rp=r&precision=s", "m,t=a v=6 2\n");
  };
  constexpr char kRange[] = "\"start\":\"1970-01-01T00:00:02Z\",\"stop\":\"1970-01-01T00:00:03Z\"";
  const struct {
    std::string predicate;
    const char* left;  // values of v in all of m and n
  } rows[] = {
      {"_measurement=\\\"m\\\" AND t=\\\"a\\\"", "1 3 5 4 "},
      {"_measurement='m' AND t='b'", "1 2 5 4 6 "},
      {"(t = 'a')", "1 3 5 "},
      {"_measurement = n", "1 3 2 5 6 "},
      {"", "1 5 "},
  };
  for (const auto& row : rows) {
    Query("DELETE FROM /.*/");
    refill();
    EXPECT_EQ(Answer("POST", "/api/v2/delete?bucket=d/autogen",
                     base::StrCat("{", kRange, ",\"predicate\":\"", row.predicate, "\"}")),
              "200")
        << row.predicate;
    std::string left;
    for (const char* source : {"autogen.m", "autogen.n", "r.m"}) {
      const std::string answer = Query(base::StrCat("SELECT v FROM ", source));
      for (size_t at = answer.find("[["); at != std::string::npos && at + 1 < answer.size();) {
        const size_t comma = answer.find(',', at);
        const size_t end = answer.find(']', at);
        if (comma == std::string::npos || end == std::string::npos || comma > end) break;
        left += answer.substr(comma + 1, end - comma - 1) + " ";
        at = answer.find(",[", end);
        if (at != std::string::npos) ++at;
      }
    }
    EXPECT_EQ(left, row.left) << row.predicate;
  }

  const struct {
    const char* bucket;
    std::string body;
    const char* answer;
  } errors[] = {
      {"d", "{}", "400 {\"error\":\"delete - start field in RFC3339Nano format required\"}"},
      {"d", "{\"start\":\"1970-01-01T00:00:00Z\"}",
       "400 {\"error\":\"delete - stop field in RFC3339Nano format required\"}"},
      {"d", "{\"start\":\"today\",\"stop\":\"x\"}",
       "400 {\"error\":\"delete - invalid format for start field \\\"today\\\", please use "},
      {"d", "nonsense", "400 {\"error\":\"delete - cannot parse request body: "},
      {"d", "[]", "400 {\"error\":\"delete - cannot parse request body: "},
      {"", "{}",
       "404 {\"error\":\"delete - bucket: bucket name \\\"\\\" is missing a slash; not in "},
      {"x", "{}", "404 {\"error\":\"delete - database not found: \\\"x\\\"\"}"},
      {"d/x", "{}",
       "404 {\"error\":\"delete - retention policy not found in \\\"d\\\": \\\"x\\\"\"}"},
      {"d", base::StrCat("{", kRange, ",\"predicate\":\"t = 'a' OR t = 'b'\"}"),
       "400 {\"error\":\"delete - predicate only supports equality operators and conjunctions. "
       "database: \\\"d\\\", retention policy: \\\"\\\", start: "},
      {"d", base::StrCat("{", kRange, ",\"predicate\":\"t != 'a'\"}"),
       "400 {\"error\":\"delete - predicate only supports"},
      {"d", base::StrCat("{", kRange, ",\"predicate\":\"t =~ /a/\"}"),
       "400 {\"error\":\"delete - predicate only supports"},
      {"d", base::StrCat("{", kRange, ",\"predicate\":\"t = 'a'; DROP DATABASE d\"}"),
       "400 {\"error\":\"delete - cannot parse predicate"},
      {"d", base::StrCat("{", kRange, ",\"predicate\":\"t = \"}"),
       "400 {\"error\":\"delete - cannot parse predicate"},
  };
  for (const auto& row : errors) {
    EXPECT_THAT(Answer("POST", base::StrCat("/api/v2/delete?bucket=", row.bucket), row.body),
                StartsWith(row.answer));
  }
}

std::string BucketJson(const std::string& name, int64_t every_s, int64_t shard_s) {
  return base::StrCat("{\"description\":\"\",\"name\":\"", name,
                      "\",\"retentionRules\":[{\"type\":\"\",\"everySeconds\":", every_s,
                      ",\"shardGroupDurationSeconds\":", shard_s,
                      "}],\"orgId\":\"\",\"schemaType\":\"implicit\",\"id\":\"", name,
                      "\",\"type\":\"\",\"rp\":\"", name.substr(name.find('/') + 1),
                      "\",\"createdAt\":\"0001-01-01T00:00:00Z\",\"updatedAt\":"
                      "\"0001-01-01T00:00:00Z\"}");
}

TEST_F(HttpApiTest, Buckets) {
  Start();
  constexpr char kBuckets[] = "/api/v2/buckets";
  const std::string ever = BucketJson("d/ever", 0, 604800);
  const std::string week = BucketJson("d/week", 604800, 86400);
  const std::string hours = BucketJson("d/week", 7200, 3600);
  const struct {
    const char* method;
    std::string path;
    std::string body;
    std::string answer;
  } rows[] = {
      {"GET", kBuckets, "", "200 {\"buckets\":[]}"},
      {"POST", kBuckets, "{\"name\":\"d/ever\"}", "201 " + ever},
      {"POST", kBuckets,
       "{\"name\":\"d/week\",\"orgID\":\"\",\"retentionRules\":[{\"type\":\"expire\","
       "\"everySeconds\":604800}]}",
       "201 " + week},
      {"POST", kBuckets, "{\"name\":\"d\"}",
       "400 {\"error\":\"buckets - illegal bucket name: \\\"d\\\"\"}"},
      {"POST", kBuckets, "{\"name\":\"d/short\",\"retentionRules\":[{\"everySeconds\":5}]}",
       "400 {\"error\":\"buckets - cannot create bucket \\\"d/short\\\": retention policy duration "
       "must be at least 1h0m0s\"}"},
      {"POST", kBuckets, "{", "400 {\"error\":\"buckets - cannot parse request body: "},
      {"POST", kBuckets, "{\"name\":7}", "400 {\"error\":\"buckets - cannot parse request body: "},
      {"POST", kBuckets, "{\"name\":\"d/x\",\"retentionRules\":[{\"everySeconds\":-1}]}",
       "400 {\"error\":\"buckets - cannot parse request body: "},
      {"GET", kBuckets, "", "200 {\"buckets\":[" + ever + "," + week + "]}"},
      {"GET", base::StrCat(kBuckets, "?limit=1"), "", "200 {\"buckets\":[" + ever + "]}"},
      {"GET", base::StrCat(kBuckets, "?offset=1"), "", "200 {\"buckets\":[" + week + "]}"},
      {"GET", base::StrCat(kBuckets, "?limit=0&after=d/ever"), "",
       "200 {\"buckets\":[" + week + "]}"},
      {"GET", base::StrCat(kBuckets, "?name=d/week"), "", "200 {\"buckets\":[" + week + "]}"},
      {"GET", base::StrCat(kBuckets, "?id=d%2Fever"), "", "200 {\"buckets\":[" + ever + "]}"},
      {"GET", base::StrCat(kBuckets, "?id=d/x"), "",
       "404 {\"error\":\"bucket not found: \\\"d/x\\\"\"}"},
      {"GET", base::StrCat(kBuckets, "?after=d/x"), "",
       "404 {\"error\":\"bucket not found: \\\"d/x\\\"\"}"},
      {"GET", base::StrCat(kBuckets, "?id=d/ever&name=d/week"), "", "400 "},
      {"GET", base::StrCat(kBuckets, "?limit=x"), "", "400 "},
      {"GET", base::StrCat(kBuckets, "?offset=1&after=d/ever"), "", "400 "},
      {"GET", base::StrCat(kBuckets, "/d%2Fweek"), "", "200 " + week},
      {"GET", base::StrCat(kBuckets, "/d%2Fx"), "",
       "404 {\"error\":\"bucket not found: \\\"d/x\\\"\"}"},
      {"GET", base::StrCat(kBuckets, "/d"), "",
       "400 {\"error\":\"bucket \\\"d\\\": illegal bucket id, empty retention policy\"}"},
      {"PATCH", base::StrCat(kBuckets, "/d%2Fweek"),
       "{\"name\":\"other\",\"retentionRules\":[{\"everySeconds\":7200,"
       "\"shardGroupDurationSeconds\":3600}]}",
       "200 " + hours},
      {"PATCH", base::StrCat(kBuckets, "/d%2Fweek"), "{\"description\":\"x\"}", "200 " + hours},
      {"PATCH", base::StrCat(kBuckets, "/d%2Fx"), "{\"retentionRules\":[{\"everySeconds\":7200}]}",
       "400 {\"error\":\"update bucket \\\"d/x\\\": retention policy not found: x\"}"},
      {"GET", base::StrCat(kBuckets, "/d%2Fweek/labels"), "",
       "405 {\"error\":\"bucket labels not supported in this version\"}"},
      {"POST", base::StrCat(kBuckets, "/d%2Fweek/members"), "{}",
       "405 {\"error\":\"bucket members not supported in this version\"}"},
      {"DELETE", base::StrCat(kBuckets, "/d%2Fweek/owners/1"), "",
       "405 {\"error\":\"bucket owners not supported in this version\"}"},
      {"PUT", base::StrCat(kBuckets, "/d%2Fweek"), "{}", "405 Method Not Allowed"},
      {"GET", base::StrCat(kBuckets, "/d/week"), "", "404 404 page not found"},
      {"DELETE", base::StrCat(kBuckets, "/d%2Fweek"), "", "200"},
      {"DELETE", base::StrCat(kBuckets, "/d%2Fweek"), "",
       "404 {\"error\":\"delete bucket - not found: \\\"d/week\\\"\"}"},
      {"GET", kBuckets, "", "200 {\"buckets\":[" + ever + "]}"},
  };
  for (const auto& row : rows) {
    const std::string answer = Answer(row.method, row.path, row.body);
    const bool whole = row.answer.back() == '}' || row.answer.size() == 3;
    EXPECT_TRUE(whole ? answer == row.answer : answer.substr(0, row.answer.size()) == row.answer)
        << row.method << " " << row.path << " " << row.body << "\ngot  " << answer << "\nwant "
        << row.answer;
  }
  EXPECT_THAT(Query("SHOW RETENTION POLICIES ON d"), HasSubstr("[\"ever\",\"0s\",\"168h0m0s\",1,"));
  EXPECT_THAT(Query("SHOW DATABASES"), HasSubstr("[[\"d\"]]"));
}

TEST_F(HttpApiTest, WhatInfluxDbDoesNotHave) {
  Start();
  EXPECT_EQ(Answer("POST", "/api/v2/query", "buckets()"),
            "403 {\"error\":\"Flux query service disabled. Verify flux-enabled=true in the [http] "
            "section of the InfluxDB config.\"}");
  for (const char* path :
       {"/ready", "/api/v2", "/api/v2/setup", "/api/v2/orgs", "/api/v2/authorizations"}) {
    EXPECT_EQ(Answer("GET", path), "404 404 page not found") << path;
  }
}

// --- Prometheus

using Labels = std::vector<std::pair<std::string, std::string>>;
using Samples = std::vector<std::pair<int64_t, double>>;  // milliseconds, value

std::string SeriesBytes(const Labels& labels, const Samples& samples) {
  std::string bytes;
  protozero::pbf_writer series(bytes);
  for (const auto& [name, value] : labels) {
    protozero::pbf_writer label(series, 1);
    label.add_string(1, name);
    label.add_string(2, value);
  }
  for (const auto& [time, value] : samples) {
    protozero::pbf_writer sample(series, 2);
    sample.add_double(1, value);
    sample.add_int64(2, time);
  }
  return bytes;
}

std::string Snapped(const std::string& bytes) {
  std::string packed;
  snappy::Compress(bytes.data(), bytes.size(), &packed);
  return packed;
}

std::string WriteBody(const std::vector<std::string>& series) {
  std::string bytes;
  protozero::pbf_writer request(bytes);
  for (const std::string& one : series) request.add_message(1, one);
  protozero::pbf_writer metadata(request, 3);  // is passed over
  metadata.add_string(2, "up");
  metadata.commit();
  return Snapped(bytes);
}

struct Matcher {
  int type;  // =, !=, =~, !~
  std::string name;
  std::string value;
};
std::string ReadBody(int64_t start_ms, int64_t end_ms, const std::vector<Matcher>& matchers,
                     int queries = 1) {
  std::string bytes;
  protozero::pbf_writer request(bytes);
  for (int i = 0; i < queries; ++i) {
    protozero::pbf_writer query(request, 1);
    query.add_int64(1, start_ms);
    query.add_int64(2, end_ms);
    for (const Matcher& matcher : matchers) {
      protozero::pbf_writer writer(query, 3);
      writer.add_enum(1, matcher.type);
      writer.add_string(2, matcher.name);
      writer.add_string(3, matcher.value);
    }
  }
  return Snapped(bytes);
}

// A ReadResponse as text: "{a=b} 1000:2.5 2000:3; ...".
std::string ReadText(const std::string& packed) {
  std::string bytes;
  if (!snappy::Uncompress(packed.data(), packed.size(), &bytes)) return "not Snappy";
  std::string text;
  protozero::pbf_reader response(bytes);
  while (response.next(1)) {
    text += "result ";
    protozero::pbf_reader result = response.get_message();
    while (result.next(1)) {
      protozero::pbf_reader series = result.get_message();
      std::string labels;
      std::string samples;
      while (series.next()) {
        const bool is_label = series.tag() == 1;  // the field is gone once it is read
        protozero::pbf_reader part = series.get_message();
        if (is_label) {
          part.next(1);
          const std::string name = part.get_string();
          part.next(2);
          base::StrAppend(labels, labels.empty() ? "" : ",", name, "=", part.get_string());
        } else {
          double value = 0;
          int64_t time = 0;
          while (part.next()) {
            if (part.tag() == 1) {
              value = part.get_double();
            } else {
              time = part.get_int64();
            }
          }
          base::StrAppend(samples, " ", time, ":", value);
        }
      }
      base::StrAppend(text, "{", labels, "}", samples, "; ");
    }
  }
  return text;
}

class PrometheusTest : public HttpApiTest {
 protected:
  void Fill() {
    Query("CREATE DATABASE d");
    EXPECT_EQ(
        Answer("POST", "/api/v1/prom/write?db=d",
               WriteBody({
                   SeriesBytes({{"job", "a"}, {"__name__", "up"}, {"instance", "x y,z=1"}},
                               {{1000, 1}, {2000, 0.5}, {3000, std::nan("")}}),
                   SeriesBytes({{"__name__", "up"}, {"job", "b/c"}},
                               {{1000, INFINITY}, {2000, -INFINITY}, {3000, 3}}),
                   SeriesBytes({{"__name__", "down"}, {"job", "a"}, {"empty", ""}}, {{2000, 4}}),
                   SeriesBytes({{"job", "nameless"}}, {{2000, 5}}),
               })),
        "204");
    Send("POST", "/write?db=d&precision=ms",
         "lines,job=a value=6 2000\nlines,job=a other=7 2000\nints,job=a value=8i 2000\n");
  }
  std::string Read(const std::vector<Matcher>& matchers, int64_t start = 0, int64_t end = 5000) {
    const auto answer = Send("POST", "/api/v1/prom/read?db=d", ReadBody(start, end, matchers));
    if (!answer) return "no answer";
    if (answer->status != 200) return base::StrCat(answer->status, " ", answer->body);
    EXPECT_EQ(answer->get_header_value("Content-Type"), "application/x-protobuf");
    EXPECT_EQ(answer->get_header_value("Content-Encoding"), "snappy");
    return ReadText(answer->body);
  }
};

TEST_F(PrometheusTest, SamplesBecomePoints) {
  Start();
  Fill();
  EXPECT_THAT(Query("SELECT * FROM up"),
              HasSubstr("\"columns\":[\"time\",\"__name__\",\"instance\",\"job\",\"value\"],"
                        "\"values\":[[1000000000,\"up\",\"x y,z=1\",\"a\",1],"
                        "[2000000000,\"up\",\"x y,z=1\",\"a\",0.5],"
                        "[3000000000,\"up\",null,\"b/c\",3]]"));
  EXPECT_THAT(Query("SELECT * FROM down"),
              HasSubstr("\"columns\":[\"time\",\"__name__\",\"job\",\"value\"],"
                        "\"values\":[[2000000000,\"down\",\"a\",4]]"));
  EXPECT_THAT(Query("SELECT value FROM prom_metric_not_specified"), HasSubstr("[[2000000000,5]]"));
}

TEST_F(PrometheusTest, ManySamplesInOneRequest) {
  Start();
  Query("CREATE DATABASE d");
  std::vector<std::string> series;
  for (int i = 0; i < 50; ++i) {
    Samples samples;
    for (int j = 0; j < 1000; ++j) samples.emplace_back(j, j);
    series.push_back(SeriesBytes({{"__name__", "m"}, {"i", std::to_string(i)}}, samples));
  }
  EXPECT_EQ(Answer("POST", "/api/v1/prom/write?db=d", WriteBody(series)), "204");
  EXPECT_THAT(Query("SELECT count(value), sum(value) FROM m"), HasSubstr("[[0,50000,24975000]]"));
  EXPECT_THAT(Answer("GET", "/metrics"), HasSubstr("varve_http_points_written_total 50000"));
}

TEST_F(PrometheusTest, WritesThatAreRefused) {
  Start();
  Query("CREATE DATABASE d");
  const std::string body = WriteBody({SeriesBytes({{"__name__", "m"}}, {{1000, 1}})});
  EXPECT_EQ(Answer("POST", "/api/v1/prom/write", body), "400 {\"error\":\"database is required\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/write?db=x", body),
            "404 {\"error\":\"database not found: \\\"x\\\"\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/write?db=d&rp=x", body),
            "500 {\"error\":\"retention policy not found: x\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/write?db=d&consistency=x", body),
            "400 {\"error\":\"invalid consistency level\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/write?db=d", "\xff\xff\xff\xff\xff nonsense"),
            "400 {\"error\":\"snappy: corrupt input\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/write?db=d", "\xff\xff\xff\xff\x0f nonsense"),
            "413 {\"error\":\"Request Entity Too Large\"}");
  EXPECT_THAT(Answer("POST", "/api/v1/prom/write?db=d", Snapped("nonsense")),
              StartsWith("400 {\"error\":\"proto: WriteRequest: "));
  // Damage at the end leaves nothing of the beginning behind.
  std::string damaged;
  protozero::pbf_writer(damaged).add_message(1, SeriesBytes({{"__name__", "m"}}, {{1000, 1}}));
  EXPECT_THAT(Answer("POST", "/api/v1/prom/write?db=d", Snapped(damaged + "\x0a\x7f")),
              StartsWith("400 {\"error\":\"proto: WriteRequest: "));
  EXPECT_EQ(Query("SELECT * FROM m"), "{\"results\":[{\"statement_id\":0}]}\n");
  // A field of another type in the way: what fits is written.
  Send("POST", "/write?db=d", "texts value=\"x\" 1000000000");
  EXPECT_THAT(Answer("POST", "/api/v1/prom/write?db=d",
                     WriteBody({SeriesBytes({{"__name__", "texts"}}, {{1000, 1}}),
                                SeriesBytes({{"__name__", "m"}}, {{1000, 2}})})),
              StartsWith("400 {\"error\":\"partial write: field type conflict: "));
  EXPECT_THAT(Query("SELECT value FROM m"), HasSubstr("[[1000000000,2]]"));
}

TEST_F(PrometheusTest, ReadsByMatchers) {
  Start();
  Fill();
  const std::string up_a = "{__name__=up,instance=x y,z=1,job=a} 1000:1 2000:0.5; ";
  const std::string up_b = "{__name__=up,job=b/c} 3000:3; ";
  const std::string down = "{__name__=down,job=a} 2000:4; ";
  const std::string lines = "{job=a} 2000:6; ";
  const std::string nameless = "{job=nameless} 2000:5; ";
  enum { kEqual, kNotEqual, kMatch, kNotMatch };
  const struct {
    std::vector<Matcher> matchers;
    std::string answer;
  } rows[] = {
      {{{kEqual, "__name__", "up"}}, up_b + up_a},
      {{{kEqual, "__name__", "up"}, {kEqual, "job", "a"}}, up_a},
      {{{kEqual, "__name__", "up"}, {kNotEqual, "job", "a"}}, up_b},
      {{{kEqual, "__name__", "up"}, {kMatch, "job", "b/.*"}}, up_b},
      {{{kEqual, "__name__", "up"}, {kMatch, "job", "b"}}, ""},  // the whole value
      {{{kEqual, "__name__", "up"}, {kNotMatch, "job", "b.c|x"}}, up_a},
      {{{kEqual, "__name__", "up"}, {kEqual, "instance", ""}}, up_b},
      {{{kMatch, "__name__", "up|down"}}, down + up_b + up_a},
      {{{kNotEqual, "__name__", "up"}, {kEqual, "job", "a"}}, down + lines},
      {{{kNotMatch, "__name__", "up|d.*"}}, lines + nameless},
      {{{kEqual, "job", "a"}, {kMatch, "__name__", ".+"}, {kNotEqual, "__name__", "lines"}},
       down + up_a},
      {{{kEqual, "__name__", "it's \"\\\n"}}, ""},
      {{{kEqual, "job", "it's \"\\\n"}}, ""},
      {{{kEqual, "__name__", "ints"}}, ""},
      {{{kEqual, "__name__", "nosuch"}}, ""},
      {{{kEqual, "__name__", ""}}, ""},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Read(row.matchers), "result " + row.answer)
        << row.matchers[0].name << " " << row.matchers[0].type << " " << row.matchers[0].value;
  }
  EXPECT_EQ(Read({{kEqual, "__name__", "up"}}, 1001, 3000),
            "result " + up_b + "{__name__=up,instance=x y,z=1,job=a} 2000:0.5; ");
  EXPECT_EQ(Read({{kEqual, "__name__", "up"}}, INT64_MIN, INT64_MAX), "result " + up_b + up_a);
}

TEST_F(PrometheusTest, ReadsThatAreRefused) {
  Start();
  Fill();
  EXPECT_EQ(Answer("POST", "/api/v1/prom/read?db=d", ReadBody(0, 1, {{0, "a", "b"}}, 2)),
            "400 {\"error\":\"Prometheus read endpoint currently only supports one query at a "
            "time\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/read?db=d", ReadBody(0, 1, {{0, "a", "b"}}, 0)),
            "400 {\"error\":\"Prometheus read endpoint currently only supports one query at a "
            "time\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/read?db=d", ReadBody(0, 1, {})),
            "400 {\"error\":\"expected matcher\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/read?db=d", ReadBody(0, 1, {{9, "a", "b"}})),
            "400 {\"error\":\"unknown match type 9\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/read?db=d", "x"),
            "400 {\"error\":\"snappy: corrupt input\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/read?db=d", ReadBody(0, 1, {{2, "a", "("}})),
            "400 {\"error\":\"error parsing regexp: missing closing ): `^(?:()$`\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/read?db=x", ReadBody(0, 1, {{0, "a", "b"}})),
            "400 {\"error\":\"no database\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/read", ReadBody(0, 1, {{0, "a", "b"}})),
            "400 {\"error\":\"no database\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/read?db=d&rp=x", ReadBody(0, 1, {{0, "a", "b"}})),
            "400 {\"error\":\"invalid retention policy\"}");
}

// --- Credentials

TEST_F(HttpApiTest, EveryRouteAsksWhoItIs) {
  Start("[http]\nauth-enabled = true\nshared-secret = 'secret'\n");
  EXPECT_EQ(
      Answer("POST", "/api/v2/buckets", "{\"name\":\"d/r\"}"),
      "403 {\"error\":\"buckets - cannot create bucket \\\"d/r\\\": create admin user first or "
      "disable authentication\"}");
  EXPECT_EQ(Answer("POST", "/api/v1/prom/read?db=d", ReadBody(0, 1, {{0, "a", "b"}})),
            "403 {\"error\":\"user is required to read from database \\\"d\\\"\"}");
  Query("CREATE USER ada WITH PASSWORD 'a' WITH ALL PRIVILEGES");
  constexpr char kAda[] = "u=ada&p=a";
  Query(
      "CREATE DATABASE d; CREATE USER bob WITH PASSWORD 'b'; CREATE USER eve WITH PASSWORD 'e'; "
      "GRANT WRITE ON d TO bob; GRANT READ ON d TO eve",
      kAda);
  const httplib::Headers bob = {{"Authorization", "Token bob:b"}};
  const httplib::Headers eve = {{"Authorization", "Token eve:e"}};
  EXPECT_THAT(Answer("GET", "/api/v2/buckets?u=ada&p=a"), HasSubstr("\"d/autogen\""));
  const std::string samples = WriteBody({SeriesBytes({{"__name__", "m"}}, {{1000, 1}})});
  const std::string read = ReadBody(0, 5000, {{0, "__name__", "m"}});
  constexpr char kDelete[] =
      "{\"start\":\"1970-01-01T00:00:02Z\",\"stop\":\"1970-01-01T00:00:03Z\"}";
  const struct {
    const char* method;
    const char* path;
    std::string body;
    int bob;  // may write
    int eve;  // may read
  } rows[] = {
      {"POST", "/api/v2/write?bucket=d", "m value=1 1", 204, 403},
      {"POST", "/api/v2/delete?bucket=d", kDelete, 200, 403},
      {"POST", "/api/v1/prom/write?db=d", samples, 204, 403},
      {"POST", "/api/v1/prom/read?db=d", read, 403, 200},
      {"GET", "/api/v2/buckets", "", 200, 200},
      {"GET", "/api/v2/buckets/d%2Fautogen", "", 404, 200},
      {"POST", "/api/v2/buckets", "{\"name\":\"d/r\"}", 403, 403},
      {"PATCH", "/api/v2/buckets/d%2Fautogen", "{\"retentionRules\":[{\"everySeconds\":7200}]}",
       403, 403},
      {"GET", "/api/v2/buckets/d%2Fautogen/labels", "", 405, 405},
      {"POST", "/api/v2/query", "buckets()", 403, 403},
      // As the statement DROP RETENTION POLICY, which asks for the privilege to write.
      {"DELETE", "/api/v2/buckets/d%2Fautogen", "", 200, 403},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Answer(row.method, row.path, row.body),
              "401 {\"error\":\"unable to parse authentication credentials\"}")
        << row.path;
    EXPECT_EQ(Answer(row.method, row.path, row.body, {{"Authorization", "Token bob:x"}}),
              "401 {\"error\":\"authorization failed\"}")
        << row.path;
    for (const auto& [headers, status] : {std::pair{eve, row.eve}, {bob, row.bob}}) {
      const auto answer = Send(row.method, row.path, row.body, headers);
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->status, status) << row.method << " " << row.path << " " << answer->body;
    }
  }
  EXPECT_EQ(Answer("GET", "/api/v2/buckets", "", bob), "200 {\"buckets\":[]}");
  EXPECT_EQ(
      Answer("POST", "/api/v2/write?bucket=d", "m v=1", eve),
      "403 {\"error\":\"\\\"eve\\\" user is not authorized to write to database \\\"d\\\"\"}");
}

// Signed with "secret"; the claims are {"username":"bob","exp":N} and
// {"username":"nosuch","exp":N}.
TEST_F(HttpApiTest, BearerTokens) {
  Start("[http]\nauth-enabled = true\nshared-secret = 'secret'\n");
  Query("CREATE USER ada WITH PASSWORD 'a' WITH ALL PRIVILEGES");
  Query("CREATE DATABASE d; CREATE USER bob WITH PASSWORD 'b'; GRANT ALL ON d TO bob", "u=ada&p=a");
  const auto as = [this](const std::string& token) {
    return Answer("GET", "/query?q=SHOW%20DATABASES", "",
                  {{"Authorization", base::StrCat("Bearer ", token)}});
  };
  EXPECT_EQ(
      as("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6ImJvYiIsImV4cCI6OTk5OTk5OTk5OTl9."
         "X9ha0qojzr8Th_rkBuQHzDsgMlDqTXsAt-cHO5VLV9IDCltpB13Pp8ZuwU89SnaguTqKD--Qs7TUzfvgfLUhdA"),
      "200 {\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"databases\",\"columns\":"
      "[\"name\"],\"values\":[[\"d\"]]}]}]}");
  EXPECT_EQ(as("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9."
               "eyJ1c2VybmFtZSI6Im5vc3VjaCIsImV4cCI6OTk5OTk5OTk5OTl9.8hm6fFd1H3FvmYOdfy1vpMjJFyCQX_"
               "laEPTic8kwAfR0pO_oh5veQ8rEmQbY_yLvqNR1X5E4lADy4GW1XhJCrw"),
            "401 {\"error\":\"user not found\"}");
  EXPECT_EQ(
      as("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6ImJvYiIsImV4cCI6MX0."
         "Go9gJIfCK2AQp2yc5uO2jd2VOI8zH2pp50s8fxisOf7xxcHzpUdFEgigYsfc0jWdsWXqk_O5yjF_CFWpMuVGsg"),
      "401 {\"error\":\"Token is expired\"}");
  EXPECT_EQ(
      as("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6ImJvYiIsImV4cCI6OTk5OTk5OTk5OTl9."
         "Zqt6IttwN2xGQiTQt9IuGMILvslsZx5ZIwug308gq7fmtGzBWXDYz_2jAkwXTQ18-OrKPHnRolrEGUG5DEhH2Q"),
      "401 {\"error\":\"signature is invalid\"}");
  const auto answer = Send("GET", "/query?q=SHOW+DATABASES");
  EXPECT_EQ(answer->status, 401);
  EXPECT_EQ(answer->get_header_value("WWW-Authenticate"), "Basic realm=\"InfluxDB\"");
}

TEST_F(HttpApiTest, RequestsAreCountedByCaller) {
  Start();
  Query("CREATE DATABASE d");
  EXPECT_EQ(Answer("GET", "/debug/requests?seconds=x"),
            "400 {\"error\":\"strconv.ParseInt: parsing \\\"x\\\": invalid syntax\"}");
  EXPECT_EQ(Answer("GET", "/debug/requests?seconds=21601"),
            "400 {\"error\":\"exceeded maximum interval time: 21601s \\u003e 6h\"}");
  EXPECT_EQ(Answer("GET", "/debug/requests?seconds=0"), "200 {\n\n}");
  std::atomic<bool> answered{false};
  std::string counts;
  std::thread asker([&] {
    httplib::Client other("127.0.0.1", varved_->port());
    other.set_read_timeout(60);
    const auto answer = other.Get("/debug/requests?seconds=1");
    counts = answer ? answer->body : "no answer";
    answered = true;
  });
  while (!answered) {
    Send("POST", "/write?db=d", "m v=1 1");
    Query("SELECT v FROM m");
  }
  asker.join();
  EXPECT_THAT(counts, StartsWith("{\n\"127.0.0.1\": {\"writes\":"));
  EXPECT_THAT(counts, ::testing::Not(HasSubstr("\"queries\":0")));
}

}  // namespace
}  // namespace varve::server
