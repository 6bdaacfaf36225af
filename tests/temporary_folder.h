// A folder of a test's own.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "base/env.h"

namespace varve {

// Made with a name that no other folder has; removed, with what is in it, at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    char path[] = "/tmp/varve-test-XXXXXX";  // mkdtemp() replaces the last six
    EXPECT_NE(mkdtemp(path), nullptr);
    path_ = path;
  }
  ~TemporaryFolder() { base::Env::Default().RemoveTree(path_).IgnoreError(); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace varve
