#include "http/encoder.h"

#include <vector>

#include "http/json_text.h"
#include "http/msgpack.h"
#include "http/pretty_json.h"

namespace varve::http {
namespace {

// A ByteSink over a string.
class StringSink : public ByteSink {
 public:
  absl::Status Write(std::string_view bytes, bool) override {
    text.append(bytes);
    return absl::OkStatus();
  }
  std::string text;
};

}  // namespace

std::unique_ptr<Encoder> NewEncoder(const EncodeOptions& options, ByteSink& out) {
  switch (options.format) {
    case Format::kCsv:
      return NewCsvEncoder(options, out);
    case Format::kMsgPack:
      return NewMsgPackEncoder(options, out);
    case Format::kJson:
      break;
  }
  return NewJsonEncoder(options, out);
}

bool IsSentWhole(const query::SeriesHeader& header) {
  const std::vector<std::string>& columns = header.columns;
  if (columns.size() == 1) return columns[0] == "name" || columns[0] == "tagKey";
  return columns.size() == 2 && columns[0] == "key" && columns[1] == "value";
}

std::string_view ContentType(Format format) {
  switch (format) {
    case Format::kCsv:
      return "text/csv";
    case Format::kMsgPack:
      return "application/x-msgpack";
    case Format::kJson:
      break;
  }
  return "application/json";
}

std::string EncodeError(Format format, bool pretty, std::string_view text) {
  std::string out;
  switch (format) {
    case Format::kCsv:
      out = "error\n";
      AppendCsvField(out, text);
      out.push_back('\n');
      return out;
    case Format::kMsgPack:
      msgpack::AppendMap(out, 1);
      msgpack::AppendString(out, "error");
      msgpack::AppendString(out, text);
      return out;
    case Format::kJson:
      break;
  }
  out = "{\"error\":";
  AppendJsonString(out, text);
  out += "}\n";
  if (!pretty) return out;
  StringSink sink;
  PrettyJson printer(sink);
  // A string takes all it is given.
  (void)printer.Write(out, false);
  return std::move(sink.text);
}

std::optional<int64_t> ParseEpoch(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text == "u") return 1'000;
  if (text == "ms") return 1'000'000;
  if (text == "s") return 1'000'000'000;
  if (text == "m") return 60'000'000'000;
  if (text == "h") return 3'600'000'000'000;
  return 1;
}

}  // namespace varve::http
