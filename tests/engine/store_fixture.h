// A store on a disk in memory, spoken to in words: Write, Flush, Compact, Reopen, CutPower, Read.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/faulty_env.h"
#include "base/status.h"
#include "base/strings.h"
#include "engine/store.h"
#include "model/shard_router.h"

namespace varve::engine {

// Routes by a fixed shard length; knows every database it was told of. What it gave out stays known
// over a power cut, as with a catalog that syncs.
class FakeRouter : public model::ShardRouter {
 public:
  int64_t duration_ns = 0;
  int64_t shard_ns = 1000;
  std::function<void()> on_route;  // called in the midst of a write that needs a shard

  void AddDatabase(const std::string& name) { databases_.emplace(name, databases_.size()); }
  model::DatabaseId IdOf(std::string_view name) const { return databases_.at(std::string(name)); }

  absl::StatusOr<model::WriteTarget> FindTarget(std::string_view database,
                                                std::string_view policy) override {
    const auto found = databases_.find(std::string(database));
    if (found == databases_.end()) {
      return base::NotFound("database not found: \"", database, "\"");
    }
    if (!policy.empty() && policy != "autogen") {
      return base::NotFound("retention policy not found: ", policy);
    }
    model::WriteTarget target;
    target.database = found->second;
    target.database_name = std::string(database);
    target.policy_name = "autogen";
    target.duration_ns = duration_ns;
    return target;
  }

  absl::StatusOr<model::ShardRoute> RouteShard(const model::WriteTarget& target,
                                               int64_t time_ns) override {
    if (on_route) on_route();
    std::lock_guard lock(mu_);
    const int64_t slot = time_ns / shard_ns - (time_ns % shard_ns < 0 ? 1 : 0);
    const auto [at, is_new] = shards_.try_emplace({target.database, slot});
    if (is_new) {
      at->second.database = target.database;
      at->second.shard = ++last_shard_;
      at->second.range = {slot * shard_ns, slot * shard_ns + shard_ns - 1};
    }
    return model::ShardRoute{at->second.shard, at->second.range};
  }

  std::vector<KnownShard> Known() const {
    std::lock_guard lock(mu_);
    std::vector<KnownShard> known;
    for (const auto& [key, shard] : shards_) known.push_back(shard);
    return known;
  }
  void Forget(model::ShardId shard) {
    std::lock_guard lock(mu_);
    std::erase_if(shards_, [shard](const auto& entry) { return entry.second.shard == shard; });
  }

 private:
  std::map<std::string, model::DatabaseId> databases_;
  mutable std::mutex mu_;
  model::ShardId last_shard_ = 0;
  std::map<std::pair<model::DatabaseId, int64_t>, KnownShard> shards_;
};

// One row as text: `cpu,host=a 10 v=1,n=2i,s="x"`; fields by name.
std::string FormatValue(const model::FieldValue& value);

// Every row of the view as lines, by measurement, series and time. Reads each series in both
// directions and fails the test where they differ. `range` cuts.
std::string DumpView(const ReadView& view, const model::TimeRange& range = {});

class StoreFixture : public testing::Test {
 public:
  StoreFixture() { Prepare(); }

  // Opens the store if it is not; most words do so by themselves.
  Store& store();
  absl::Status TryOpen();
  void Close() { store_.reset(); }

  // The message the client gets; empty when all went well.
  std::string Write(std::string_view body, std::string_view database = "db");
  WriteResult WriteRaw(std::string_view body, std::string_view database = "db");
  void Flush() { ASSERT_TRUE(Ok(store().Flush(false))); }
  void Compact() { ASSERT_TRUE(Ok(store().Flush(true))); }
  void Reopen() {
    Close();
    ASSERT_TRUE(Ok(TryOpen()));
  }
  // The power fails now; what was not synced is gone. Then the store is opened again.
  void CutPower(base::Remains remains = base::Remains::kNothing) {
    env.CutPower(remains);
    Close();
    env.Reboot();
    ASSERT_TRUE(Ok(TryOpen()));
  }
  // Deletes the points of the measurements within the range.
  void Delete(std::vector<std::string> measurements, model::TimeRange range,
              index::TagPredicate predicate = index::TagPredicate::All(),
              std::string_view database = "db");
  void DropSeries(std::vector<std::string> measurements, bool drop_fields = false);

  std::shared_ptr<const ReadView> View(std::string_view database = "db");
  // All that is stored, as lines.
  std::string Read(std::string_view database = "db") { return DumpView(*View(database)); }
  // "m.f:float,integer m.g:string": every field and its types.
  std::string Schema(std::string_view database = "db");
  size_t FileCount();

  static testing::AssertionResult Ok(const absl::Status& status) {
    if (status.ok()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << status.ToString();
  }

  base::FaultyEnv env;
  FakeRouter router;
  StoreOptions options;

 protected:
  void Prepare();
  std::unique_ptr<Store> store_;
};

}  // namespace varve::engine
