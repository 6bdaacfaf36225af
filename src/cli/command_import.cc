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
#include "cli/import_file.h"
#include "cli/progress_bar.h"
#include "query/ast.h"
#include "query/parser.h"

namespace varve::cli {
namespace {

constexpr size_t kBatchBytes = 1 << 20;
constexpr int kAttempts = 8;

struct GzClose {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzHandle = std::unique_ptr<gzFile_s, GzClose>;

absl::Status WriteWithPatience(ServerClient& client, const WriteTarget& target,
                               std::string_view lines) {
  absl::Status status;
  auto pause = std::chrono::milliseconds(100);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    status = client.Write(target, lines);
    if (status.code() != absl::StatusCode::kUnavailable) return status;
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
  return status;
}

// Whether there is no point: only comments and empty lines.
bool AreComments(std::string_view lines) {
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    if (!line.empty() && line[0] != '#') return false;
    lines.remove_prefix(end == lines.npos ? lines.size() : end + 1);
  }
  return true;
}

// The error of the answer's first statement.
absl::Status RunOne(ServerClient& client, std::string_view statement) {
  ASSIGN_OR_RETURN(const Answer answer, client.Query("", statement));
  if (answer.empty() || answer[0].error.empty()) return absl::OkStatus();
  return base::InvalidArgument(answer[0].error);
}

// One import on its way.
class Import {
 public:
  Import(ServerClient& client, const ImportCommand& command) : client_(client), command_(command) {}

  // `lines`: whole ones. What the server refuses is noted, not returned.
  absl::Status Send(std::string_view lines) {
    while (!lines.empty()) {
      std::string_view piece;
      switch (position_.Take(&lines, &piece)) {
        case ImportPiece::kPoints:
          RETURN_IF_ERROR(SendPoints(piece));
          break;
        case ImportPiece::kStatement:
          if (command_.database.empty()) RETURN_IF_ERROR(SendStatement(piece));
          break;
        case ImportPiece::kMark:
          break;
      }
    }
    return absl::OkStatus();
  }

  uint64_t lines() const { return lines_; }
  // OK, or what was refused.
  absl::Status Result() const {
    if (refused_ == 0) return absl::OkStatus();
    return base::InvalidArgument(refused_,
                                 " requests were refused in part or whole; first: ", first_error_);
  }

 private:
  absl::Status SendPoints(std::string_view points) {
    if (points.find_first_not_of(" \t\r\n") == points.npos) return absl::OkStatus();
    WriteTarget target{command_.database, "", command_.precision};
    if (target.database.empty()) {
      target.database = position_.database();
      target.retention_policy = position_.retention_policy();
    }
    if (target.database.empty()) {
      if (AreComments(points)) return absl::OkStatus();
      return base::InvalidArgument("the file names no database: name one with --database");
    }
    lines_ += static_cast<uint64_t>(std::count(points.begin(), points.end(), '\n'));
    if (points.back() != '\n') ++lines_;
    return Note(WriteWithPatience(client_, target, points));
  }

  // influx_inspect writes one CREATE DATABASE for each policy; only the first of a database makes
  // it.
  absl::Status SendStatement(std::string_view text) {
    if (AreComments(text)) return absl::OkStatus();
    const auto statements = query::ParseQuery(text, {});
    const absl::Status status = RunOne(client_, text);
    const auto* create = statements.ok() && !statements->empty()
                             ? statements->front().As<query::CreateDatabase>()
                             : nullptr;
    if (status.code() != absl::StatusCode::kInvalidArgument || create == nullptr ||
        !create->policy.has_value() || create->policy->name.empty()) {
      return Note(status);
    }
    return Note(RunOne(
        client_,
        base::StrCat("CREATE RETENTION POLICY ", query::QuoteIdentifier(create->policy->name),
                     " ON ", query::QuoteIdentifier(create->name), " DURATION INF REPLICATION 1")));
  }

  absl::Status Note(const absl::Status& status) {
    if (status.code() != absl::StatusCode::kInvalidArgument) return status;
    if (refused_++ == 0) first_error_ = base::MessageOf(status);
    return absl::OkStatus();
  }

  ServerClient& client_;
  const ImportCommand& command_;
  ImportPosition position_;
  uint64_t lines_ = 0;
  uint64_t refused_ = 0;
  std::string first_error_;
};

}  // namespace

absl::Status RunImport(const ImportCommand& command) {
  ASSIGN_OR_RETURN(const auto client, ServerClient::Create(command.server));
  GzHandle file(command.file == "-" ? gzdopen(0, "rb") : gzopen(command.file.c_str(), "rb"));
  if (!file) return base::NotFound("cannot open ", command.file);
  gzbuffer(file.get(), 256 << 10);
  if (command.create && !command.database.empty()) {
    RETURN_IF_ERROR(
        client
            ->Query("", base::StrCat("CREATE DATABASE ", query::QuoteIdentifier(command.database)))
            .status());
  }
  const uint64_t file_bytes =
      command.file == "-" ? 0 : base::Env::Default().FileSize(command.file).value_or(0);

  Import import(*client, command);
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
    RETURN_IF_ERROR(import.Send(lines));
    batch.erase(0, end);
    bar.Update(static_cast<uint64_t>(std::max<z_off_t>(0, gzoffset(file.get()))), import.lines());
  }
  bar.Finish();
  std::cout << "sent " << import.lines() << " lines"
            << (command.database.empty() ? "" : " to " + command.database) << std::endl;
  return import.Result();
}

}  // namespace varve::cli
