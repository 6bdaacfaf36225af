// What is written behind a mark is noted, whole grains of it, within bounds, and again in replay.
#include "engine/late_writes.h"

#include <gmock/gmock.h>

#include "tests/engine/store_fixture.h"

namespace varve::engine {
namespace {

using ::testing::IsEmpty;

// "first..last first..last" of the only note.
std::string Ranges(const std::vector<LateWrites::Note>& notes) {
  std::string text;
  for (const auto& note : notes) {
    for (const auto& range : note.ranges) {
      base::StrAppend(text, text.empty() ? "" : " ", range.min_ns, "..", range.max_ns);
    }
  }
  return text;
}

TEST(LateWritesTest, NotesWholeGrainsBeforeTheMark) {
  LateWrites late;
  late.Add(1, 1, 1, {0, 5});
  EXPECT_THAT(late.Take(), IsEmpty());
  late.SetWatches({{1, {.before_ns = 100, .grain_ns = 10}}});
  EXPECT_EQ(late.Before(1), 100);
  EXPECT_EQ(late.Before(2), model::kMinTimeNs);
  late.Add(1, 1, 1, {33, 33});
  late.Add(1, 1, 1, {-7, -7});
  late.Add(1, 1, 1, {41, 47});
  late.Add(1, 1, 1, {95, 500});
  late.Add(1, 1, 1, {100, 100});
  late.Add(2, 1, 1, {1, 1});
  EXPECT_EQ(Ranges(late.Take()), "-10..-1 30..49 90..99");
  EXPECT_THAT(late.Take(), IsEmpty());
  late.Add(1, 1, 1, {model::kMinTimeNs, 3});
  EXPECT_EQ(Ranges(late.Take()), base::StrCat(model::kMinTimeNs, "..9"));
}

TEST(LateWritesTest, ManyRangesBecomeFewerThatCoverThem) {
  LateWrites late;
  late.SetWatches({{0, {.before_ns = 1'000'000, .grain_ns = 1}}});
  for (int64_t i = 0; i < 5000; ++i)
    late.Add(0, 1, 1, {(i * 7919) % 100'000 * 2, i * 7919 % 100'000 * 2});
  const auto notes = late.Take();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_LE(notes[0].ranges.size(), 512u);
  for (int64_t i = 0; i < 5000; ++i) {
    const int64_t time = (i * 7919) % 100'000 * 2;
    EXPECT_TRUE(std::any_of(notes[0].ranges.begin(), notes[0].ranges.end(), [&](const auto& range) {
      return range.Contains(time);
    })) << time;
  }
}

class LateStoreTest : public StoreFixture {
 protected:
  void SetUp() override {
    late = std::make_shared<LateWrites>();
    options.late_writes = late;
    late->SetWatches({{router.IdOf("db"), {.before_ns = 500, .grain_ns = 1}}});
  }
  std::shared_ptr<LateWrites> late;
};

TEST_F(LateStoreTest, WritesAndDeletesAreNotedAndReplayed) {
  EXPECT_EQ(Write("m v=1 300\nm v=1 700\nn v=2 10"), "");
  EXPECT_EQ(Write("m v=1 300", "other"), "");
  const auto notes = late->Take();
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(Ranges(notes), "300..300 10..10");
  EXPECT_EQ(store().MeasurementName(notes[0].database, notes[0].measurement), "m");
  Delete({"n"}, {0, 20});
  EXPECT_EQ(Ranges(late->Take()), "0..20");
  DropSeries({"n"});
  EXPECT_THAT(late->Take(), IsEmpty());
  CutPower();
  EXPECT_EQ(Ranges(late->Take()), "300..300 0..20");
  Flush();
  Reopen();
  EXPECT_THAT(late->Take(), IsEmpty());
}

TEST_F(LateStoreTest, RecordsStayInTheLogUntilTheirNotesAreSaved) {
  int asked = 0;
  bool fail = true;
  options.before_truncate = [&] {
    ++asked;
    return fail ? base::Unavailable("not now") : absl::OkStatus();
  };
  EXPECT_EQ(Write("m v=1 300"), "");
  EXPECT_FALSE(store().Flush(false).ok());
  late->Take();
  Reopen();
  EXPECT_EQ(Ranges(late->Take()), "300..300");
  fail = false;
  EXPECT_TRUE(store().Flush(false).ok());
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace varve::engine
