#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "base/env.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/progress_bar.h"
#include "query/ast.h"

namespace varve::cli {
namespace {

constexpr size_t kBatchBytes = 1 << 20;
constexpr int kAttempts = 8;

struct GzClose {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzHandle = std::unique_ptr<gzFile_s, GzClose>;

absl::Status WriteWithPatience(ServerClient& client, const ImportCommand& command,
                               std::string_view lines) {
  absl::Status status;
  auto pause = std::chrono::milliseconds(100);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    status = client.Write(command.database, command.precision, lines);
    if (status.code() != absl::StatusCode::kUnavailable) return status;
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
  return status;
}

struct Totals {
  uint64_t lines = 0;
  uint64_t bad_batches = 0;
  std::string first_error;
};

}  // namespace

absl::Status RunImport(const ImportCommand& command) {
  ASSIGN_OR_RETURN(const auto client, ServerClient::Create(command.server));
  GzHandle file(command.file == "-" ? gzdopen(0, "rb") : gzopen(command.file.c_str(), "rb"));
  if (!file) return base::NotFound("cannot open ", command.file);
  gzbuffer(file.get(), 256 << 10);
  if (command.create) {
    RETURN_IF_ERROR(
        client
            ->Query("", base::StrCat("CREATE DATABASE ", query::QuoteIdentifier(command.database)))
            .status());
  }
  const uint64_t file_bytes =
      command.file == "-" ? 0 : base::Env::Default().FileSize(command.file).value_or(0);

  Totals totals;
  ProgressBar bar(file_bytes);
  std::string batch;
  bool at_end = false;
  while (!at_end) {
    const size_t old_size = batch.size();
    batch.resize(old_size + kBatchBytes);
    const int n = gzread(file.get(), batch.data() + old_size, kBatchBytes);
    if (n < 0) {
      int code = 0;
      return base::DataLoss(command.file, ": ", gzerror(file.get(), &code));
    }
    batch.resize(old_size + static_cast<size_t>(n));
    at_end = n == 0;
    // Whole lines only; the rest waits for what follows.
    size_t end = batch.size();
    if (!at_end) {
      const size_t newline = batch.rfind('\n');
      if (newline == std::string::npos) continue;
      end = newline + 1;
    }
    if (end == 0) continue;
    const std::string_view lines = std::string_view(batch).substr(0, end);
    const absl::Status status = WriteWithPatience(*client, command, lines);
    if (status.code() == absl::StatusCode::kInvalidArgument) {
      ++totals.bad_batches;
      if (totals.first_error.empty()) totals.first_error = base::MessageOf(status);
    } else if (!status.ok()) {
      return status;
    }
    totals.lines += static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    if (at_end && lines.back() != '\n') ++totals.lines;
    batch.erase(0, end);
    bar.Update(static_cast<uint64_t>(std::max<z_off_t>(0, gzoffset(file.get()))), totals.lines);
  }
  bar.Finish();
  std::cout << "sent " << totals.lines << " lines to " << command.database << std::endl;
  if (totals.bad_batches == 0) return absl::OkStatus();
  return base::InvalidArgument(
      totals.bad_batches, " requests were refused in part or whole; first: ", totals.first_error);
}

}  // namespace varve::cli
