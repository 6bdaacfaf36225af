// Statistics of blocks and hours say of every window what its rows do.
#include <cmath>
#include <map>
#include <random>

#include "tests/engine/store_fixture.h"

namespace varve::engine {
namespace {

using model::FieldType;
using model::FieldValue;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDays = 5;

// All that InfluxQL may want of a window.
struct Sums {
  uint64_t count = 0;
  double sum = 0;
  double min = 0, max = 0, first = 0, last = 0;
  int64_t first_time = 0, last_time = 0;

  void Add(const Sums& other) {
    if (other.count == 0) return;
    if (count == 0) {
      *this = other;
      return;
    }
    min = std::min(min, other.min);
    max = std::max(max, other.max);
    if (other.first_time < first_time) first = other.first;
    first_time = std::min(first_time, other.first_time);
    if (other.last_time > last_time) last = other.last;
    last_time = std::max(last_time, other.last_time);
    count += other.count;
    sum += other.sum;
  }
};

double NumberOf(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat:
      return value.as_float();
    case FieldType::kInteger:
      return static_cast<double>(value.as_integer());
    default:
      return 0;
  }
}

// By field and by the start of the window.
using Windows = std::vector<std::map<int64_t, Sums>>;

class RollupScanTest : public StoreFixture, public testing::WithParamInterface<int> {
 protected:
  RollupScanTest() {
    router.shard_ns = 48 * kHour;
    options.rollup_rows_min = 4;
  }

  // Rows of a series every other minute, with holes, over some hours.
  void WriteStretch(std::mt19937_64& random, int64_t from_minute, int64_t minutes) {
    std::string lines;
    for (int64_t minute = from_minute; minute < from_minute + minutes; minute += 2) {
      for (const char* tag : {"x", "y"}) {
        if (random() % 50 == 0) continue;
        base::StrAppend(lines, "m,t=", tag, " a=", static_cast<double>(random() % 5000) / 100);
        if (random() % 3 != 0) base::StrAppend(lines, ",b=", random() % 1000, "i");
        if (random() % 4 == 0) base::StrAppend(lines, ",c=\"", random() % 9, "\"");
        base::StrAppend(lines, " ", minute * kMinute + static_cast<int64_t>(random() % 3), "\n");
      }
    }
    ASSERT_EQ(Write(lines), "");
  }

  void RandomStep(std::mt19937_64& random, int64_t* clock) {
    const uint64_t dice = random() % 20;
    if (dice < 8) {
      const auto minutes = static_cast<int64_t>(random() % 600);
      WriteStretch(random, *clock, minutes);
      *clock = std::min<int64_t>(*clock + minutes, kDays * 24 * 60 - 600);
    } else if (dice < 11) {  // late, and over what is there
      WriteStretch(random, static_cast<int64_t>(random() % (kDays * 24 * 60)),
                   static_cast<int64_t>(random() % 30));
    } else if (dice < 13) {
      const auto a = static_cast<int64_t>(random() % (kDays * 24 * 60)) * kMinute;
      Delete({"m"}, {a, a + static_cast<int64_t>(random() % 200) * kMinute});
    } else if (dice < 15) {
      Flush();
    } else if (dice < 18) {
      Compact();
    } else {
      Reopen();
    }
  }

  // What a scan says of the windows of `window_ns`; with statistics where it has some.
  Windows Scan(model::SeriesId series, const ScanOptions& wanted, int64_t window_ns,
               bool statistics) {
    ScanOptions scan = wanted;
    const auto start = [window_ns](int64_t t) { return t / window_ns * window_ns; };
    if (statistics) {
      scan.window_end = [&](int64_t t) { return start(t) + window_ns - 1; };
      scan.hours = true;
    }
    const auto scanner = view_->NewScanner(scan);
    EXPECT_TRUE(Ok(scanner->Seek(series)));
    Windows windows(scan.fields.size());
    ScanStep step;
    int64_t last = -1;
    while (true) {
      const absl::Status status = scanner->Next(&step);
      EXPECT_TRUE(Ok(status));
      if (!status.ok() || step.kind == ScanStep::Kind::kEnd) break;
      if (step.kind == ScanStep::Kind::kRows) {
        for (size_t row = 0; row < step.rows.rows; ++row) {
          const int64_t time = step.rows.times[row];
          EXPECT_GT(time, last);
          last = time;
          for (size_t i = 0; i < scan.fields.size(); ++i) {
            const FieldValue value = step.rows.columns[i].At(row);
            if (value.is_null()) continue;
            const double v = NumberOf(value);
            windows[i][start(time)].Add({1, v, v, v, v, v, time, time});
          }
        }
        continue;
      }
      EXPECT_GT(step.range.min_ns, last);
      EXPECT_EQ(start(step.range.min_ns), start(step.range.max_ns));
      last = step.range.max_ns;
      for (size_t i = 0; i < scan.fields.size(); ++i) {
        const auto& s = step.statistics[i];
        if (s.count == 0) continue;
        windows[i][start(s.first_time)].Add({s.count, NumberOf(s.sum), NumberOf(s.min),
                                             NumberOf(s.max), NumberOf(s.first), NumberOf(s.last),
                                             s.first_time, s.last_time});
      }
    }
    counters_ += scanner->counters();
    return windows;
  }

  void ExpectSame(const Windows& found, const Windows& expected) {
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(found[i].size(), expected[i].size());
      for (const auto& [start, e] : expected[i]) {
        const auto at = found[i].find(start);
        ASSERT_NE(at, found[i].end());
        const Sums& f = at->second;
        SCOPED_TRACE(base::StrCat("field ", i, " window ", start));
        EXPECT_EQ(f.count, e.count);
        EXPECT_EQ(f.min, e.min);
        EXPECT_EQ(f.max, e.max);
        EXPECT_EQ(f.first, e.first);
        EXPECT_EQ(f.last, e.last);
        EXPECT_EQ(f.first_time, e.first_time);
        EXPECT_EQ(f.last_time, e.last_time);
        EXPECT_NEAR(f.sum, e.sum, 1e-9 * (1 + std::abs(e.sum)));
      }
    }
  }

  void Check(std::mt19937_64& random) {
    view_ = View();
    if (!view_->HasMeasurement("m")) return;
    ScanOptions scan;
    for (const auto& field : view_->Fields("m")) {
      const bool text = field.types.front() == FieldType::kString;
      // Of a string only the count may come from statistics.
      if (random() % 3 != 0) scan.fields.push_back({field.field, field.types.front(), text});
    }
    if (scan.fields.empty()) return;
    const int64_t all = kDays * 24 * kHour;
    scan.range = {static_cast<int64_t>(random()) % (all / 2), all};
    if (scan.range.min_ns < 0) scan.range.min_ns = 0;
    if (random() % 2 == 0) {
      scan.range.max_ns = scan.range.min_ns + static_cast<int64_t>(random() % (all / 2));
    }
    for (const int64_t window : {kHour, 3 * kHour, 90 * kMinute, 24 * kHour, 10 * kMinute}) {
      for (const model::SeriesId series :
           view_->Match("m", index::TagPredicate::All()).ToVector()) {
        SCOPED_TRACE(base::StrCat("series ", series, " windows ", window, " from ",
                                  scan.range.min_ns, " to ", scan.range.max_ns));
        ExpectSame(Scan(series, scan, window, true), Scan(series, scan, window, false));
      }
    }
  }

  std::shared_ptr<const ReadView> view_;
  ScanCounters counters_;
};

TEST_P(RollupScanTest, WindowsAreThoseOfTheRows) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  int64_t clock = 0;
  for (int step = 0; step < 60 && !HasFailure(); ++step) {
    SCOPED_TRACE(base::StrCat("step ", step));
    RandomStep(random, &clock);
    Check(random);
  }
  EXPECT_GT(counters_.hours_from_rollups, 100u);
  EXPECT_GT(counters_.blocks_decoded, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RollupScanTest, testing::Range(1, 13));

class RollupTest : public RollupScanTest {
 protected:
  // Whole hours of five days, settled.
  void WriteAll() {
    std::mt19937_64 random(1);
    for (int64_t day = 0; day < kDays; ++day) WriteStretch(random, day * 24 * 60, 24 * 60);
    Compact();
  }
  ScanCounters Read(model::TimeRange range, int64_t window_ns) {
    view_ = View();
    counters_ = {};
    ScanOptions scan;
    scan.fields.push_back({view_->Fields("m")[0].field, FieldType::kFloat});
    scan.range = range;
    const auto series = view_->Match("m", index::TagPredicate::All()).ToVector();
    ExpectSame(Scan(series[0], scan, window_ns, true), Scan(series[0], scan, window_ns, false));
    counters_ = {};
    Scan(series[0], scan, window_ns, true);
    return counters_;
  }
  std::vector<std::string> Files(std::string_view suffix) {
    std::vector<std::string> found;
    for (const auto& known : router.Known()) {
      const std::string folder = base::StrCat("/data/db-0/shard-", known.shard);
      const auto names = env.List(folder);
      for (const std::string& name : *names) {
        if (name.ends_with(suffix)) found.push_back(base::JoinPath(folder, name));
      }
    }
    return found;
  }
};

TEST_F(RollupTest, NoBlockIsDecodedForWholeHours) {
  WriteAll();
  const ScanCounters hours = Read({0, kDays * 24 * kHour - 1}, kHour);
  EXPECT_EQ(hours.hours_from_rollups, uint64_t{kDays * 24});
  EXPECT_EQ(hours.blocks_decoded, 0u);
}

TEST_F(RollupTest, OnlyTheEdgesAreDecoded) {
  WriteAll();
  const ScanCounters hours = Read({10 * kHour + kMinute, 70 * kHour + kMinute}, kHour);
  EXPECT_EQ(hours.hours_from_rollups, 59u);
  EXPECT_EQ(hours.blocks_decoded, 2u);
}

TEST_F(RollupTest, LatePointsCostTheirHoursOnly) {
  WriteAll();
  ASSERT_EQ(Write(base::StrCat("m,t=x a=1 ", 30 * kHour + 5 * kMinute, "\nm,t=y a=1 ",
                               30 * kHour + 5 * kMinute, "\n")),
            "");
  const ScanCounters hours = Read({0, kDays * 24 * kHour - 1}, kHour);
  EXPECT_EQ(hours.hours_from_rollups, uint64_t{kDays * 24 - 1});
  EXPECT_EQ(hours.blocks_decoded, 1u);
}

TEST_F(RollupTest, ALostOrDamagedRollupIsMadeAgainAndNeverMissed) {
  WriteAll();
  const auto rollups = Files(".rollup");
  ASSERT_EQ(rollups.size(), 3u);  // shards of two days
  Close();
  ASSERT_TRUE(Ok(env.RemoveFile(rollups[0])));
  const auto bytes = base::ReadFile(env, rollups[1]);
  ASSERT_TRUE(Ok(bytes.status()));
  std::string damaged = *bytes;
  damaged[40] ^= 1;  // in the first page
  const auto file = env.CreateFile(rollups[1]);
  ASSERT_TRUE(Ok((*file)->Append(damaged)));
  ASSERT_TRUE(Ok((*file)->Close()));

  Reopen();
  EXPECT_EQ(Read({0, kDays * 24 * kHour - 1}, kHour).hours_from_rollups, 24u);
  ASSERT_EQ(store().Status().damage.size(), 1u);
  EXPECT_NE(store().Status().damage[0].message().find(rollups[1]), std::string::npos);
  Compact();
  EXPECT_EQ(Files(".rollup").size(), 3u);
  EXPECT_EQ(Read({0, kDays * 24 * kHour - 1}, kHour).hours_from_rollups, uint64_t{kDays * 24});
}

TEST_F(RollupTest, RollupsGoWithTheirFiles) {
  WriteAll();
  std::mt19937_64 random(2);
  WriteStretch(random, 0, 300);
  Compact();  // merges the first shard's file with the new one
  EXPECT_EQ(Files(".tsm").size(), 3u);
  EXPECT_EQ(Files(".rollup").size(), 3u);
  // One whose file is gone is a stray.
  const auto stray = env.CreateFile("/data/db-0/shard-1/00000777.rollup");
  ASSERT_TRUE(Ok((*stray)->Close()));
  Reopen();
  EXPECT_EQ(Files(".rollup").size(), 3u);
}

}  // namespace
}  // namespace varve::engine
