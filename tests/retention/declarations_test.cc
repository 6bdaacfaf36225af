// What the file declares is made so, all or nothing, and no statement changes it afterwards.
#include "retention/declarations.h"

#include <gmock/gmock.h>

#include "tests/retention/world.h"

namespace varve::retention {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DeclarationsTest : public World {
 protected:
  DeclarationsTest() {
    DeclaredDatabase& building = declared.emplace_back();
    building.place = "v.conf:1";
    building.name = "building";
    building.policies.push_back({"v.conf:4", Policy("realtime", 30 * kDayNs, kDayNs), true});
    building.policies.push_back({"v.conf:10", Policy("minute", 0, {}), false});
    building.queries.push_back(
        {"v.conf:14", "means",
         "SELECT mean(temperature) AS temperature INTO minute.sensors FROM realtime.sensors GROUP "
         "BY time(1m), *",
         kMinuteNs, kHourNs});
  }

  static meta::PolicySpec Policy(std::string name, int64_t duration_ns,
                                 std::optional<int64_t> shard_ns) {
    meta::PolicySpec spec;
    spec.name = std::move(name);
    spec.duration_ns = duration_ns;
    spec.shard_group_duration_ns = shard_ns;
    return spec;
  }
  std::vector<std::string> Apply() {
    const auto changes = declarations.Apply(declared, *catalog);
    EXPECT_TRUE(changes.ok()) << changes.status();
    return changes.ok() ? *changes : std::vector<std::string>();
  }
  std::string Refusal() {
    const auto changes = declarations.Apply(declared, *catalog);
    return changes.ok() ? "" : std::string(base::MessageOf(changes.status()));
  }

  std::vector<DeclaredDatabase> declared;
};

TEST_F(DeclarationsTest, AreMadeOnceAndThenFound) {
  EXPECT_THAT(
      Apply(),
      ElementsAre(
          "create database building",
          "create retention policy realtime on building: duration 30d, shard duration 1d",
          "create retention policy minute on building: duration INF, shard duration 1w",
          "create continuous query means on building: CREATE CONTINUOUS QUERY means ON building "
          "RESAMPLE EVERY 1m FOR 1h BEGIN SELECT mean(temperature) AS temperature INTO "
          "building.minute.sensors FROM building.realtime.sensors GROUP BY time(1m), * END"));
  EXPECT_EQ(Query("SHOW RETENTION POLICIES ON building"),
            ": realtime 720h0m0s 24h0m0s 1 true\n: minute 0s 168h0m0s 1 false\n");
  EXPECT_THAT(Apply(), IsEmpty());
  CutPower();
  EXPECT_THAT(Apply(), IsEmpty());
}

TEST_F(DeclarationsTest, ChangesAreAppliedAndWhatIsTakenOutStays) {
  Apply();
  declared[0].policies[0].spec.duration_ns = 7 * kDayNs;
  declared[0].policies.pop_back();
  declared[0].queries.clear();
  EXPECT_THAT(Apply(),
              ElementsAre("alter retention policy realtime on building: duration 30d -> 1w"));
  EXPECT_THAT(Query("SHOW RETENTION POLICIES ON building"), HasSubstr("minute"));
  EXPECT_THAT(Query("SHOW CONTINUOUS QUERIES"), HasSubstr("means"));
  Do("DROP CONTINUOUS QUERY means ON building");  // it belongs to nobody now
}

TEST_F(DeclarationsTest, AMistakeChangesNothing) {
  declared[0].queries[0].select = "SELECT mean(v) INTO nowhere.x FROM y GROUP BY time(1m)";
  EXPECT_EQ(Refusal(), "v.conf:14: retention policy not found: nowhere");
  declared[0].queries[0].select = "SELECT v INTO minute.x FROM y";
  EXPECT_EQ(Refusal(), "v.conf:14: continuous queries must be aggregate queries");
  declared[0].queries[0].select = "SELECT mean(v) FROM y GROUP BY time(1m)";
  EXPECT_THAT(Refusal(), HasSubstr("v.conf:14: "));
  declared[0].name = "a/b";
  EXPECT_EQ(Refusal(), "v.conf:1: database.name: invalid name");
  EXPECT_EQ(Query("SHOW DATABASES"), "databases: d\n");
}

TEST_F(DeclarationsTest, StatementsThatWouldChangeThemAreRefused) {
  Apply();
  const std::string sorry = "; change it there";
  EXPECT_EQ(Query("DROP DATABASE building"),
            "ERR: database building is declared in v.conf:1" + sorry + "\n");
  EXPECT_EQ(Query("ALTER RETENTION POLICY realtime ON building DURATION 1d"),
            "ERR: retention policy realtime is declared in v.conf:4" + sorry + "\n");
  EXPECT_EQ(Query("DROP RETENTION POLICY minute ON building"),
            "ERR: retention policy minute is declared in v.conf:10" + sorry + "\n");
  EXPECT_EQ(Query("CREATE RETENTION POLICY other ON building DURATION 1d REPLICATION 1 DEFAULT"),
            "ERR: the default retention policy is declared in v.conf:4" + sorry + "\n");
  EXPECT_EQ(Query("DROP CONTINUOUS QUERY means ON building"),
            "ERR: continuous query means is declared in v.conf:14" + sorry + "\n");
  // What the file does not name is free.
  Do("CREATE RETENTION POLICY other ON building DURATION 1d REPLICATION 1");
  Do("ALTER RETENTION POLICY other ON building DURATION 2d");
  Do("DROP RETENTION POLICY other ON building");
  Do("DROP DATABASE d");
}

TEST_F(DeclarationsTest, ADeclaredQueryRunsAndReplacingItBeginsAnew) {
  Apply();
  queries->Tick();
  engine::WriteRequest request;
  request.database = "building";
  const std::string body = base::StrCat("sensors,s=1 temperature=4 ", kStartNs);
  request.body = body;
  ASSERT_TRUE(store->WriteAndWait(request).status.ok());
  Advance(kMinuteNs);
  queries->Tick();
  EXPECT_EQ(Query("SELECT * FROM minute.sensors", "building"),
            base::StrCat("sensors: ", kStartNs, " 1 4\n"));
}

}  // namespace
}  // namespace varve::retention
