// Opens bytes as a TSM file and reads all of it. The first byte chooses: the rest is a file as it
// is, or the body of an index page and the data before it, around which a file with right checksums
// is built, so that what lies behind them is reached.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/faulty_env.h"
#include "tsm/column_block.h"
#include "tsm/file.h"
#include "tsm/file_format.h"

namespace {

using varve::tsm::FileInfo;
using varve::tsm::FileReader;

// input: u16 data bytes, data, page body.
std::string BuildFile(std::string_view input) {
  using namespace varve;
  if (input.size() < 2) return {};
  const size_t data_bytes =
      std::min<size_t>(base::LoadFixed<uint16_t>(input.data()), input.size() - 2);
  const std::string_view data = input.substr(2, data_bytes);
  const std::string_view body = input.substr(2 + data_bytes);
  base::ByteReader in(body);
  uint64_t first_series = 0;
  in.GetVarint(&first_series);
  std::string file;
  tsm::PutHeader({}, file);
  file.append(data);
  tsm::PageRef ref;
  ref.offset = file.size();
  ref.bytes = static_cast<uint32_t>(tsm::kPageHeadBytes + body.size());
  ref.first_series = static_cast<model::SeriesId>(first_series);
  base::PutFixed(file, tsm::ShortChecksum(std::string(1, '\0').append(body)));
  file.push_back('\0');
  file.append(body);
  tsm::TsmFooter footer;
  footer.directory_offset = file.size();
  footer.pages = 1;
  footer.min_series = ref.first_series;
  footer.max_series = model::kNoId - 1;
  std::string directory;
  tsm::PutPageRef(ref, directory);
  footer.directory_checksum = base::Checksum(directory);
  file.append(directory);
  tsm::PutFooter(footer, file);
  return file;
}

void ReadAll(FileReader& file) {
  auto cursor = file.NewCursor();
  std::vector<int64_t> times;
  varve::tsm::DecodedColumn column;
  while (true) {
    auto more = cursor->NextSeries();
    if (!more.ok() || !*more) return;
    for (size_t i = 0; i < cursor->chunks().size(); ++i) {
      cursor->ReadTimes(i, &times).IgnoreError();
      for (size_t c = 0; c < cursor->chunks()[i].columns.size(); ++c) {
        if (!cursor->ReadColumn(i, c, &column).ok()) continue;
        const varve::model::ColumnVector view = column.View();
        for (size_t row = 0; row < cursor->chunks()[i].rows; ++row) {
          const varve::model::FieldValue value = view.At(row);
          if (value.type() != varve::model::FieldType::kString) continue;
          volatile size_t size = std::string(value.as_string()).size();
          static_cast<void>(size);
        }
      }
    }
  }
}

// A column block apart from any file: its own checksum would keep every change of it out.
void ReadBlock(std::string_view input) {
  if (input.size() < 5) return;
  const auto type = static_cast<varve::model::FieldType>(1 + static_cast<uint8_t>(input[0]) % 5);
  const size_t rows =
      1 + varve::base::LoadFixed<uint16_t>(input.data() + 1) % varve::tsm::kMaxBlockValues;
  const size_t count = 1 + varve::base::LoadFixed<uint16_t>(input.data() + 3) % rows;
  varve::tsm::DecodedColumn column;
  varve::tsm::DecodeColumnBlock(input.substr(5), type, rows, count, &column.state()).IgnoreError();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  if (bytes[0] % 3 == 2) {
    ReadBlock(input);
    return 0;
  }
  varve::base::FaultyEnv env;
  auto file = env.CreateFile("/a.tsm");
  if (!file.ok() ||
      !(*file)->Append(bytes[0] % 3 == 0 ? std::string(input) : BuildFile(input)).ok()) {
    return 0;
  }
  FileInfo info;
  info.name = "a.tsm";
  auto reader = FileReader::Open(env, "/", info);
  if (!reader.ok()) return 0;
  ReadAll(**reader);
  (*reader)->Verify().IgnoreError();
  return 0;
}
