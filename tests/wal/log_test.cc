#include "wal/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "base/checksum.h"
#include "base/faulty_env.h"
#include "base/status.h"
#include "base/strings.h"
#include "wal/segment_format.h"

namespace varve::wal {
namespace {

using base::FaultKind;
using base::FaultyEnv;

const std::string kFolder = "/data/wal";

std::string Payload(uint64_t i) { return base::StrCat("payload ", i, std::string(i % 40, 'x')); }

// What was applied, in order.
struct Applied {
  std::vector<Lsn> lsns;
  std::map<Lsn, std::string> payloads;

  Log::Applier Applier() {
    return [this](const Record& record) {
      lsns.push_back(record.lsn);
      payloads[record.lsn] = base::StrCat(uint32_t{record.type}, ":", record.payload);
    };
  }
};

class LogTest : public testing::Test {
 protected:
  LogTest() {
    EXPECT_TRUE(env_.CreateDirs("/data").ok());
    EXPECT_TRUE(env_.SyncDir("/").ok());
  }

  absl::Status TryOpen(Lsn after = 0) {
    log_.reset();
    applied_ = Applied();
    options_.folder = kFolder;
    absl::StatusOr<std::unique_ptr<Log>> log = Log::Open(env_, options_, after, applied_.Applier());
    if (!log.ok()) return log.status();
    log_ = std::move(*log);
    return absl::OkStatus();
  }
  void Open(Lsn after = 0) {
    const absl::Status status = TryOpen(after);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Write(uint64_t i) {
    const absl::StatusOr<Lsn> lsn = log_->AppendAndWait(7, Payload(i));
    ASSERT_TRUE(lsn.ok()) << lsn.status();
    ASSERT_EQ(*lsn, i);
  }
  void WriteRange(uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; ++i) Write(i);
  }
  // Leaves the files as a killed process does: no end mark, nothing closed in order.
  void Kill() {
    env_.FailFrom(1, FaultKind::kIoError);
    log_.reset();
    env_.ClearFaults();
  }
  void ExpectApplied(Lsn first, Lsn last) {
    std::vector<Lsn> expected;
    for (Lsn i = first; i <= last; ++i) expected.push_back(i);
    EXPECT_EQ(applied_.lsns, expected);
    for (Lsn i = first; i <= last; ++i) {
      EXPECT_EQ(applied_.payloads[i], base::StrCat("7:", Payload(i)));
    }
  }
  void RemoveAll() {
    log_.reset();
    const auto names = env_.List(kFolder).value_or(std::vector<std::string>());
    for (const std::string& name : names) {
      ASSERT_TRUE(env_.RemoveFile(base::JoinPath(kFolder, name)).ok());
    }
  }
  std::string NewestFile() { return base::JoinPath(kFolder, env_.List(kFolder)->back()); }
  std::string FileAt(size_t i) { return base::JoinPath(kFolder, env_.List(kFolder)->at(i)); }
  std::string Contents(const std::string& path) { return base::ReadFile(env_, path).value(); }
  void Replace(const std::string& path, std::string_view bytes) {
    auto file = env_.CreateFile(path).value();
    ASSERT_TRUE(file->Append(bytes).ok() && file->Sync().ok());
  }

  FaultyEnv env_;
  LogOptions options_;
  Applied applied_;
  std::unique_ptr<Log> log_;
};

TEST_F(LogTest, AppliesInOrderAndReplays) {
  Open();
  EXPECT_EQ(log_->applied(), 0);
  WriteRange(1, 50);
  EXPECT_EQ(log_->applied(), 50);
  ExpectApplied(1, 50);
  for (int times = 0; times < 3; ++times) {
    Open();
    ExpectApplied(1, 50);
    EXPECT_EQ(log_->applied(), 50);
  }
  WriteRange(51, 60);
  Open(55);
  ExpectApplied(56, 60);
}

TEST_F(LogTest, AcknowledgedRecordsSurviveAPowerCut) {
  Open();
  WriteRange(1, 20);
  env_.CutPower();
  log_.reset();
  env_.Reboot();
  Open();
  ExpectApplied(1, 20);
}

TEST_F(LogTest, CallsBackInOrderOfAppending) {
  Open();
  std::vector<Lsn> done;
  absl::Notification last;
  for (uint64_t i = 1; i <= 1000; ++i) {
    ASSERT_TRUE(log_->Append(7, Payload(i),
                             [&, i](absl::Status status, Lsn lsn) {
                               EXPECT_TRUE(status.ok());
                               EXPECT_EQ(lsn, i);
                               EXPECT_EQ(applied_.lsns.back(), lsn)
                                   << "called back before it was applied";
                               done.push_back(lsn);
                               if (i == 1000) last.Notify();
                             })
                    .ok());
  }
  last.WaitForNotification();
  EXPECT_EQ(done.size(), 1000);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

TEST_F(LogTest, RecordsThatArriveDuringASyncShareTheNext) {
  Open();
  absl::Notification applying;
  absl::Notification go_on;
  log_.reset();
  Applied applied;
  const auto applier = [&](const Record& record) {
    applied.lsns.push_back(record.lsn);
    if (record.lsn != 1) return;
    applying.Notify();
    go_on.WaitForNotification();
  };
  log_ = Log::Open(env_, options_, 0, applier).value();
  ASSERT_TRUE(log_->Append(7, "first", nullptr).ok());
  applying.WaitForNotification();
  const uint64_t before = env_.calls();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(log_->Append(7, "more", nullptr).ok());
  absl::Notification last;
  ASSERT_TRUE(log_->Append(7, "last", [&](absl::Status, Lsn) { last.Notify(); }).ok());
  go_on.Notify();
  last.WaitForNotification();
  EXPECT_EQ(applied.lsns.size(), 102);
  EXPECT_EQ(env_.calls() - before, 2) << "one write and one sync for all that waited";
  log_.reset();
}

TEST_F(LogTest, ManyAppendersGetDistinctNumbers) {
  Open();
  std::vector<std::thread> threads;
  std::vector<std::vector<Lsn>> lsns(4);
  for (size_t t = 0; t < lsns.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) lsns[t].push_back(log_->AppendAndWait(7, "x").value());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<Lsn> all;
  for (const std::vector<Lsn>& each : lsns) {
    EXPECT_TRUE(std::is_sorted(each.begin(), each.end()));
    all.insert(all.end(), each.begin(), each.end());
  }
  std::sort(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], i + 1);
  EXPECT_EQ(applied_.lsns, all);
}

TEST_F(LogTest, RefusesMoreThanTheQueueHolds) {
  options_.queue_bytes_max = 100;
  absl::Notification applying;
  absl::Notification go_on;
  options_.folder = kFolder;
  log_ = Log::Open(env_, options_, 0, [&](const Record& record) {
           if (record.lsn != 1) return;
           applying.Notify();
           go_on.WaitForNotification();
         }).value();
  ASSERT_TRUE(log_->Append(1, "first", nullptr).ok());
  applying.WaitForNotification();
  EXPECT_TRUE(log_->Append(1, std::string(500, 'x'), nullptr).ok()) << "an empty queue takes all";
  EXPECT_TRUE(absl::IsUnavailable(log_->Append(1, "x", nullptr)));
  go_on.Notify();
  log_.reset();
}

TEST_F(LogTest, TornTailOfNewestSegmentEndsReplay) {
  Open();
  WriteRange(1, 5);
  Kill();
  const std::string path = NewestFile();
  const std::string whole = Contents(path);
  std::vector<size_t> ends = {kSegmentHeaderBytes};
  for (uint64_t i = 1; i <= 5; ++i) {
    ends.push_back(ends.back() + kRecordHeaderBytes + Payload(i).size());
  }
  ASSERT_EQ(ends.back(), whole.size());
  // The first four were synced before the fifth was written, so it alone may be torn.
  for (size_t size = ends[4]; size <= whole.size(); ++size) {
    SCOPED_TRACE(size);
    RemoveAll();
    Replace(path, whole.substr(0, size));
    Open();
    ExpectApplied(1, size == whole.size() ? 5 : 4);
    const uint64_t next = log_->applied() + 1;
    WriteRange(next, next + 2);
    Open();
    ExpectApplied(1, next + 2);
  }
}

TEST_F(LogTest, DamagedHeaderIsDataLoss) {
  Open();
  log_.reset();
  const std::string path = NewestFile();
  const std::string whole = Contents(path);
  for (size_t size = 0; size < kSegmentHeaderBytes; ++size) {
    Replace(path, whole.substr(0, size));
    EXPECT_TRUE(absl::IsDataLoss(TryOpen())) << size;
    std::string flipped = whole;
    flipped[size] ^= 4;
    Replace(path, flipped);
    EXPECT_TRUE(absl::IsDataLoss(TryOpen())) << size;
  }
}

TEST_F(LogTest, UnfinishedFilesOfACrashAreNoSegments) {
  Open();
  WriteRange(1, 3);
  log_.reset();
  Replace(base::JoinPath(kFolder, SegmentFileName(4) + ".tmp"), "VWA");
  Open();
  ExpectApplied(1, 3);
}

TEST_F(LogTest, WhatWasReplayedIsDurable) {
  Open();
  WriteRange(1, 3);
  env_.FailAfter(2, FaultKind::kIoError);  // the sync; the record stays in the page cache
  EXPECT_FALSE(log_->AppendAndWait(7, Payload(4)).ok());
  Open();
  ExpectApplied(1, 4);
  Write(5);
  env_.CutPower();
  log_.reset();
  env_.Reboot();
  Open();
  ExpectApplied(1, 5);
}

TEST_F(LogTest, DamageBeforeDurableRecordsIsDataLoss) {
  Open();
  WriteRange(1, 6);
  Kill();
  const std::string path = NewestFile();
  const size_t last = Contents(path).size() - kRecordHeaderBytes - Payload(6).size();
  for (size_t offset = 0; offset < Contents(path).size(); ++offset) {
    SCOPED_TRACE(offset);
    ASSERT_TRUE(env_.FlipBits(path, offset, 0x10).ok());
    std::vector<Lsn> seen;
    const auto visit = [&](const Record& record) { seen.push_back(record.lsn); };
    const auto inspected = InspectFolder(env_, kFolder, visit);
    if (offset >= last) {
      ASSERT_TRUE(inspected.ok()) << inspected.status();
      EXPECT_EQ(inspected->back().torn_bytes, Contents(path).size() - last);
      EXPECT_EQ(seen.size(), 5);
    } else {
      EXPECT_TRUE(absl::IsDataLoss(inspected.status()));
      EXPECT_NE(inspected.status().ToString().find(path), std::string::npos);
      EXPECT_NE(inspected.status().ToString().find("offset="), std::string::npos);
      EXPECT_FALSE(TryOpen().ok());
    }
    ASSERT_TRUE(env_.FlipBits(path, offset, 0x10).ok());
  }
  Open();
  ExpectApplied(1, 6);
}

TEST_F(LogTest, EndMarkProtectsTheLastRecordOfAClosedLog) {
  Open();
  WriteRange(1, 3);
  log_.reset();
  const std::string path = NewestFile();
  const size_t end_mark = Contents(path).size() - kRecordHeaderBytes;
  for (size_t offset = 0; offset < end_mark; ++offset) {
    ASSERT_TRUE(env_.FlipBits(path, offset, 0x01).ok());
    EXPECT_TRUE(absl::IsDataLoss(TryOpen())) << offset;
    ASSERT_TRUE(env_.FlipBits(path, offset, 0x01).ok());
  }
}

TEST_F(LogTest, DamageInAnOlderSegmentIsDataLoss) {
  Open();
  WriteRange(1, 3);
  Open();
  WriteRange(4, 6);
  Kill();
  const std::string path = FileAt(0);
  const std::string whole = Contents(path);
  for (const size_t size :
       {whole.size() - kRecordHeaderBytes - 1, kSegmentHeaderBytes, size_t{9}}) {
    Replace(path, whole.substr(0, size));
    EXPECT_TRUE(absl::IsDataLoss(TryOpen())) << size;
  }
  Replace(path, whole);
  Open();
  ExpectApplied(1, 6);
}

TEST_F(LogTest, MissingSegmentIsDataLoss) {
  for (uint64_t i = 0; i < 3; ++i) {
    Open();
    WriteRange(3 * i + 1, 3 * i + 3);
  }
  log_.reset();
  ASSERT_TRUE(env_.RemoveFile(FileAt(1)).ok());
  EXPECT_TRUE(absl::IsDataLoss(TryOpen()));
}

TEST_F(LogTest, NewerFormatIsRefused) {
  Open();
  WriteRange(1, 2);
  log_.reset();
  const std::string path = NewestFile();
  std::string bytes = Contents(path);
  bytes[4] = 2;
  const uint64_t checksum = base::Checksum(std::string_view(bytes).substr(0, 24));
  std::memcpy(bytes.data() + 24, &checksum, sizeof(checksum));
  Replace(path, bytes);
  EXPECT_TRUE(absl::IsFailedPrecondition(TryOpen()));
}

TEST_F(LogTest, RollsSegmentsAndTruncates) {
  options_.segment_bytes_max = 300;
  Open();
  WriteRange(1, 40);
  const size_t files = env_.List(kFolder)->size();
  EXPECT_GT(files, 4);
  const uint64_t bytes = log_->bytes();
  ASSERT_TRUE(log_->Truncate(20).ok());
  EXPECT_LT(env_.List(kFolder)->size(), files);
  EXPECT_LT(log_->bytes(), bytes);
  Open(20);
  ExpectApplied(21, 40);
  ASSERT_TRUE(log_->Truncate(40).ok());
  EXPECT_EQ(env_.List(kFolder)->size(), 1);
  EXPECT_EQ(log_->bytes(), kSegmentHeaderBytes);
  WriteRange(41, 42);
  Open(40);
  ExpectApplied(41, 42);
}

TEST_F(LogTest, StatusCountsRecordsSyncsAndSegments) {
  options_.segment_bytes_max = 300;
  Open();
  EXPECT_EQ(log_->Status().folder, kFolder);
  EXPECT_EQ(log_->Status().records, 0);
  EXPECT_EQ(log_->Status().segments, 1);
  WriteRange(1, 40);
  const LogStatus status = log_->Status();
  EXPECT_EQ(status.records, 40);
  EXPECT_GE(status.syncs.Total(), uint64_t{40});
  EXPECT_EQ(status.recent_syncs.Total(), status.syncs.Total());
  EXPECT_EQ(status.segments, env_.List(kFolder)->size());
  EXPECT_LE(status.open_bytes, log_->bytes());
  EXPECT_GT(status.bytes_written, uint64_t{40} * Payload(1).size());
  EXPECT_LT(status.bytes_written, log_->bytes());
  EXPECT_EQ(status.sync_errors, 0);
}

TEST_F(LogTest, TruncateClosesACoveredNewestSegment) {
  Open();
  WriteRange(1, 10);
  ASSERT_TRUE(log_->Truncate(9).ok());
  EXPECT_EQ(env_.List(kFolder)->size(), 1);
  ASSERT_TRUE(log_->Truncate(10).ok());
  EXPECT_EQ(env_.List(kFolder).value(), std::vector<std::string>{SegmentFileName(11)});
  WriteRange(11, 12);
  Open(10);
  ExpectApplied(11, 12);
}

TEST_F(LogTest, NumbersStayAboveWhatTheCallerHasSeen) {
  Open();
  WriteRange(1, 3);
  log_.reset();
  options_.lsn_floor = 9;
  Open(3);
  EXPECT_EQ(log_->AppendAndWait(7, Payload(10)).value(), 10);
  options_.lsn_floor = 0;
  Open();
  EXPECT_EQ(applied_.lsns, (std::vector<Lsn>{1, 2, 3, 10}));
  Open(20);
  EXPECT_EQ(log_->AppendAndWait(7, "x").value(), 21);
  Open();
  EXPECT_EQ(applied_.lsns, (std::vector<Lsn>{1, 2, 3, 10, 21}));
}

TEST_F(LogTest, FailedSyncSealsForGood) {
  Open();
  WriteRange(1, 3);
  env_.FailAfter(2, FaultKind::kIoError);  // a write, then the sync
  EXPECT_TRUE(absl::IsUnavailable(log_->AppendAndWait(7, "lost").status()));
  ExpectApplied(1, 3);
  EXPECT_FALSE(log_->health().ok());
  EXPECT_TRUE(absl::IsUnavailable(log_->Append(7, "later", nullptr)));
  EXPECT_TRUE(absl::IsFailedPrecondition(log_->TryRecover()));
  EXPECT_FALSE(log_->health().ok());
}

TEST_F(LogTest, NoSpaceDuringASyncSealsForGood) {
  Open();
  env_.FailAfter(2, FaultKind::kNoSpace);
  EXPECT_FALSE(log_->AppendAndWait(7, "lost").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(log_->TryRecover()));
}

TEST_F(LogTest, WaitingRecordsAreRefusedWhenTheLogSeals) {
  absl::Notification applying;
  absl::Notification go_on;
  options_.folder = kFolder;
  std::vector<Lsn> applied;
  log_ = Log::Open(env_, options_, 0, [&](const Record& record) {
           applied.push_back(record.lsn);
           applying.Notify();
           go_on.WaitForNotification();
         }).value();
  ASSERT_TRUE(log_->Append(7, "good", nullptr).ok());
  applying.WaitForNotification();
  int refused = 0;
  absl::Notification last;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(log_->Append(7, "waits",
                             [&, i](absl::Status status, Lsn) {
                               refused += absl::IsUnavailable(status) ? 1 : 0;
                               if (i == 9) last.Notify();
                             })
                    .ok());
  }
  env_.FailAfter(1, FaultKind::kIoError);
  go_on.Notify();
  last.WaitForNotification();
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(applied, std::vector<Lsn>{1});
  log_.reset();
}

TEST_F(LogTest, RecoversWhenThereIsSpaceAgain) {
  for (const FaultKind kind : {FaultKind::kNoSpace, FaultKind::kShortWrite}) {
    RemoveAll();
    Open();
    WriteRange(1, 3);
    env_.FailFrom(1, kind);
    EXPECT_TRUE(absl::IsUnavailable(log_->AppendAndWait(7, std::string(1000, 'x')).status()));
    EXPECT_FALSE(log_->TryRecover().ok()) << "the disk is still full";
    env_.ClearFaults();
    ASSERT_TRUE(log_->TryRecover().ok());
    EXPECT_TRUE(log_->health().ok());
    WriteRange(4, 6);
    Open();
    ExpectApplied(1, 6);
  }
}

TEST_F(LogTest, RecoversAtOnceWithoutLosingOrInventingRecords) {
  Open();
  WriteRange(1, 3);
  env_.FailAfter(1, FaultKind::kShortWrite);
  EXPECT_FALSE(log_->AppendAndWait(7, std::string(1000, 'x')).ok());
  ASSERT_TRUE(log_->TryRecover().ok());
  WriteRange(4, 6);
  Kill();
  Open();
  ExpectApplied(1, 6);
}

TEST_F(LogTest, IntervalPolicySyncsWhenItsTimeHasCome) {
  options_.sync = SyncPolicy::kInterval;
  options_.sync_interval_ms = 1000;
  Open();
  WriteRange(1, 3);
  env_.AdvanceNs(1'000'000'000);
  Write(4);  // synced before it is acknowledged, with all before it
  WriteRange(5, 6);
  env_.CutPower();
  log_.reset();
  env_.Reboot();
  Open();
  ExpectApplied(1, 4);
}

TEST_F(LogTest, OffPolicySyncsClosedSegmentsOnly) {
  options_.sync = SyncPolicy::kOff;
  Open();
  WriteRange(1, 3);
  Open();
  WriteRange(4, 6);
  env_.CutPower();
  log_.reset();
  env_.Reboot();
  Open();
  ExpectApplied(1, 3);
}

// One run of a small life of a log. Returns the greatest acknowledged LSN.
Lsn Live(FaultyEnv& env, const LogOptions& options, uint64_t seed) {
  std::mt19937_64 random(seed);
  Lsn acknowledged = 0;
  for (int life = 0; life < 3; ++life) {
    auto log = Log::Open(env, options, 0, [](const Record&) {});
    if (!log.ok()) return acknowledged;
    for (int i = 0; i < 8; ++i) {
      const absl::StatusOr<Lsn> lsn = (*log)->AppendAndWait(7, std::string(random() % 900, 'y'));
      if (lsn.ok()) acknowledged = *lsn;
      if (!(*log)->health().ok()) (void)(*log)->TryRecover();
    }
  }
  return acknowledged;
}

TEST_F(LogTest, SurvivesAPowerCutOrErrorAtEveryCall) {
  options_.folder = kFolder;
  options_.segment_bytes_max = 2000;
  for (const FaultKind kind :
       {FaultKind::kCutPower, FaultKind::kIoError, FaultKind::kNoSpace, FaultKind::kShortWrite}) {
    for (uint64_t n = 1;; ++n) {
      SCOPED_TRACE(base::StrCat("kind ", static_cast<int>(kind), ", call ", n));
      FaultyEnv env(n);
      ASSERT_TRUE(env.CreateDirs("/data").ok() && env.SyncDir("/").ok());
      env.FailAfter(n, kind);
      const Lsn acknowledged = Live(env, options_, n);
      if (env.last_fault().empty()) {
        EXPECT_GT(n, 50);
        break;
      }
      if (kind != FaultKind::kCutPower) env.CutPower(base::Remains::kRandom);
      env.Reboot();
      Applied applied;
      auto log = Log::Open(env, options_, 0, applied.Applier());
      ASSERT_TRUE(log.ok()) << log.status() << " after " << env.last_fault();
      for (size_t i = 0; i < applied.lsns.size(); ++i) ASSERT_EQ(applied.lsns[i], i + 1);
      ASSERT_GE(applied.lsns.size(), acknowledged) << "an acknowledged record is gone";
      ASSERT_TRUE((*log)->AppendAndWait(7, "still writable").ok());
    }
  }
}

TEST(SegmentFormatTest, FileNamesSortByLsn) {
  EXPECT_EQ(SegmentFileName(1), "0000000000000001.wal");
  EXPECT_EQ(ParseSegmentFileName("00000000000000ff.wal"), Lsn{255});
  for (const std::string_view bad : {"", "1.wal", "00000000000000FF.wal", "00000000000000ff.tmp"}) {
    EXPECT_FALSE(ParseSegmentFileName(bad)) << bad;
  }
}

}  // namespace
}  // namespace varve::wal
