// Any list of operations leaves what a std::map would hold.
#include "tests/engine/op_list.h"
#include "tests/engine/store_fixture.h"

namespace varve::engine {
namespace {

class PropertyTest : public StoreFixture, public testing::WithParamInterface<int> {
 protected:
  void Run(const Op& op) {
    switch (op.kind) {
      case Op::Kind::kWrite:
        ASSERT_EQ(Write(op.lines), "");
        break;
      case Op::Kind::kDelete:
        Delete({op.measurement}, op.range);
        break;
      case Op::Kind::kFlush:
        Flush();
        break;
      case Op::Kind::kCompact:
        Compact();
        break;
      case Op::Kind::kReopen:
        Reopen();
        break;
      case Op::Kind::kCutPower:
        CutPower();
        break;
    }
  }
};

TEST_P(PropertyTest, HoldsWhatAMapHolds) {
  for (int round = 0; round < 2; ++round) {
    const uint64_t seed = static_cast<uint64_t>(GetParam()) * 1000 + static_cast<uint64_t>(round);
    SCOPED_TRACE(base::StrCat("seed ", seed));
    std::mt19937_64 random(seed);
    Close();
    ASSERT_TRUE(Ok(env.RemoveTree("/data")));
    ASSERT_TRUE(Ok(env.RemoveTree("/wal")));
    ASSERT_TRUE(Ok(env.SyncDir("/")));
    StoreModel model;
    std::string done;
    for (const Op& op : RandomOps(random, 60, /*with_restarts=*/true)) {
      done += op.Text() + "\n";
      Run(op);
      model.Apply(op);
      ASSERT_EQ(Read(), model.Dump()) << "after\n" << done;
      const int64_t a = static_cast<int64_t>(random() % 3000);
      const model::TimeRange cut{a, a + static_cast<int64_t>(random() % 500)};
      StoreModel all = model;
      Op before{.kind = Op::Kind::kDelete, .range = {-1, cut.min_ns - 1}};
      Op after{.kind = Op::Kind::kDelete, .range = {cut.max_ns + 1, 10'000}};
      for (const char* measurement : {"m0", "m1"}) {
        before.measurement = after.measurement = measurement;
        all.Apply(before);
        all.Apply(after);
      }
      ASSERT_EQ(DumpView(*View(), cut), all.Dump()) << "cut after\n" << done;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PropertyTest, testing::Range(1, 9));

}  // namespace
}  // namespace varve::engine
