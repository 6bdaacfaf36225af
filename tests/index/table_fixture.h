// A series table in a folder of a faulty environment, and what its sink was given.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/faulty_env.h"
#include "index/series_table.h"

namespace varve::index {

inline constexpr char kFolder[] = "/db";

class TableFixture : public ::testing::Test {
 protected:
  TableFixture() { Reopen(); }
  void Reopen() {
    table_.reset();
    auto table = SeriesTable::Open(env_, kFolder);
    ASSERT_TRUE(table.ok()) << table.status();
    table_ = std::move(*table);
  }
  SeriesTable::DefinitionSink Log() {
    return [this](std::string definitions) {
      log_.push_back(std::move(definitions));
      return absl::OkStatus();
    };
  }
  std::vector<SeriesRef> MustRegisterMany(const std::vector<std::string>& keys) {
    std::vector<SeriesRef> refs;
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    EXPECT_TRUE(table_->RegisterMany(views, Log(), &refs).ok());
    return refs;
  }
  std::string KeyOf(model::SeriesId series) {
    std::string key;
    table_->KeyOf(series, &key);
    return key;
  }

  base::FaultyEnv env_;
  std::unique_ptr<SeriesTable> table_;
  std::vector<std::string> log_;
};

}  // namespace varve::index
