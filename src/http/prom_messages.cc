#include "http/prom_messages.h"

#include <snappy.h>

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "base/status.h"

namespace varve::http {
namespace {

using protozero::pbf_reader;
using protozero::pbf_writer;
using protozero::tag_and_type;
constexpr auto kBytes = protozero::pbf_wire_type::length_delimited;
constexpr auto kVarint = protozero::pbf_wire_type::varint;
constexpr auto kFixed64 = protozero::pbf_wire_type::fixed64;

std::string_view Text(pbf_reader& reader) {
  const protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}

std::pair<std::string_view, std::string_view> ReadLabel(pbf_reader reader) {
  std::pair<std::string_view, std::string_view> label;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(1, kBytes):
        label.first = Text(reader);
        break;
      case tag_and_type(2, kBytes):
        label.second = Text(reader);
        break;
      default:
        reader.skip();
    }
  }
  return label;
}

PromSample ReadSample(pbf_reader reader) {
  PromSample sample;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(1, kFixed64):
        sample.value = reader.get_double();
        break;
      case tag_and_type(2, kVarint):
        sample.time_ms = reader.get_int64();
        break;
      default:
        reader.skip();
    }
  }
  return sample;
}

void ReadSeries(pbf_reader reader, PromSeries* series) {
  series->labels.clear();
  series->samples.clear();
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(1, kBytes):
        series->labels.push_back(ReadLabel(reader.get_message()));
        break;
      case tag_and_type(2, kBytes):
        series->samples.push_back(ReadSample(reader.get_message()));
        break;
      default:
        reader.skip();
    }
  }
}

absl::Status ReadMatcher(pbf_reader reader, PromMatcher* matcher) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(1, kVarint): {
        const int32_t type = reader.get_enum();
        if (type < 0 || type > 3) return base::InvalidArgument("unknown match type ", type);
        matcher->type = static_cast<PromMatcher::Type>(type);
        break;
      }
      case tag_and_type(2, kBytes):
        matcher->name = Text(reader);
        break;
      case tag_and_type(3, kBytes):
        matcher->value = Text(reader);
        break;
      default:
        reader.skip();
    }
  }
  return absl::OkStatus();
}

absl::Status ReadQuery(pbf_reader reader, PromQuery* query) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case tag_and_type(1, kVarint):
        query->start_ms = reader.get_int64();
        break;
      case tag_and_type(2, kVarint):
        query->end_ms = reader.get_int64();
        break;
      case tag_and_type(3, kBytes):
        RETURN_IF_ERROR(ReadMatcher(reader.get_message(), &query->matchers.emplace_back()));
        break;
      default:
        reader.skip();
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadWriteRequest(std::string_view bytes,
                              const std::function<absl::Status(const PromSeries&)>& take) {
  try {
    PromSeries series;
    pbf_reader reader(bytes.data(), bytes.size());
    while (reader.next()) {
      if (reader.tag_and_type() == tag_and_type(1, kBytes)) {
        ReadSeries(reader.get_message(), &series);
        RETURN_IF_ERROR(take(series));
      } else {
        reader.skip();
      }
    }
    return absl::OkStatus();
  } catch (const protozero::exception& error) {
    return base::InvalidArgument("proto: WriteRequest: ", error.what());
  }
}

absl::StatusOr<std::vector<PromQuery>> ParseReadRequest(std::string_view bytes) {
  try {
    std::vector<PromQuery> queries;
    pbf_reader reader(bytes.data(), bytes.size());
    while (reader.next()) {
      if (reader.tag_and_type() == tag_and_type(1, kBytes)) {
        RETURN_IF_ERROR(ReadQuery(reader.get_message(), &queries.emplace_back()));
      } else {
        reader.skip();
      }
    }
    return queries;
  } catch (const protozero::exception& error) {
    return base::InvalidArgument("proto: ReadRequest: ", error.what());
  }
}

void PromReadResponse::BeginSeries(const std::vector<std::pair<std::string, std::string>>& labels) {
  EndSeries();
  pbf_writer series(series_);
  for (const auto& [name, value] : labels) {
    pbf_writer label(series, 1);
    label.add_string(1, name);
    label.add_string(2, value);
  }
}

void PromReadResponse::AddSample(PromSample sample) {
  pbf_writer series(series_);
  pbf_writer writer(series, 2);
  writer.add_double(1, sample.value);
  writer.add_int64(2, sample.time_ms);
}

void PromReadResponse::EndSeries() {
  if (series_.empty()) return;
  pbf_writer(result_).add_message(1, series_);
  series_.clear();
}

std::string PromReadResponse::Finish() {
  EndSeries();
  std::string response;
  pbf_writer(response).add_message(1, result_);
  return response;
}

absl::StatusOr<std::string> Unsnap(std::string_view packed, uint64_t bytes_max) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size)) {
    return base::InvalidArgument("snappy: corrupt input");
  }
  // Checked before the memory is taken, as the length is only what the client says.
  if (size > bytes_max) return base::ResourceExhausted("snappy: decoded block is too large");
  if (!snappy::IsValidCompressedBuffer(packed.data(), packed.size())) {
    return base::InvalidArgument("snappy: corrupt input");
  }
  std::string bytes;
  snappy::Uncompress(packed.data(), packed.size(), &bytes);
  return bytes;
}

std::string Snap(std::string_view bytes) {
  std::string packed;
  snappy::Compress(bytes.data(), bytes.size(), &packed);
  return packed;
}

}  // namespace varve::http
