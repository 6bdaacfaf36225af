// Where the lines of a write come from: a body of line protocol, or points made in the process.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/store.h"
#include "model/line_protocol.h"

namespace varve::engine {

// One thread at a time.
class LineSource {
 public:
  virtual ~LineSource() = default;
  // Back to the first line.
  virtual void Restart() = 0;
  // The next lines, as many as there is room for or fewer; none at the end. They stay until the
  // next call, and their keys until Restart().
  virtual size_t Next(std::span<model::Line> lines) = 0;
  // The bad lines so far, as InfluxDB words them; empty when there was none.
  virtual std::string_view error() const = 0;
};

class BodySource : public LineSource {
 public:
  BodySource(std::string_view body, model::Precision precision, int64_t now_ns)
      : body_(body), precision_(precision), now_ns_(now_ns) {}
  void Restart() override { reader_.emplace(body_, precision_, now_ns_); }
  size_t Next(std::span<model::Line> lines) override { return reader_->Next(lines); }
  std::string_view error() const override { return reader_->error(); }

 private:
  const std::string_view body_;
  const model::Precision precision_;
  const int64_t now_ns_;
  std::optional<model::LineReader> reader_;
};

class PointSource : public LineSource {
 public:
  // `points` must outlive the source.
  explicit PointSource(const std::vector<Point>& points) : points_(points) {}
  void Restart() override { next_ = 0; }
  // One at a time; passes over points without any value.
  size_t Next(std::span<model::Line> lines) override;
  std::string_view error() const override { return {}; }

 private:
  const std::vector<Point>& points_;
  size_t next_ = 0;
  std::vector<std::string> names_;  // escaped
  std::vector<model::LineField> fields_;
};

}  // namespace varve::engine
