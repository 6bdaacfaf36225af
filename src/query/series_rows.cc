// The rows of a group, one series after the other.
#include "base/status.h"
#include "query/merge_rows.h"

namespace varve::query {
namespace {

using engine::ScanStep;
using model::FieldValue;

class Concatenation final : public RowMerger {
 public:
  Concatenation(const GroupedSources& grouped, const Group& group, const ReadRequest& request,
                QueryState& query)
      : grouped_(grouped), members_(group.members), request_(request), query_(query) {}

  absl::Status Next(RowBlock* block) override {
    while (true) {
      if (!open_) {
        if (at_ == members_.size()) break;
        RETURN_IF_ERROR(Open(members_[at_++]));
      }
      RETURN_IF_ERROR(reader_->Next(&step_));
      if (step_.kind == ScanStep::Kind::kRows) {
        CopyRows();
        *block = {step_.rows.rows, step_.rows.times, values_.data()};
        return absl::OkStatus();
      }
      open_ = step_.kind != ScanStep::Kind::kEnd;
    }
    TakeCounters();
    block->rows = 0;
    return absl::OkStatus();
  }

 private:
  absl::Status Open(const GroupMember& member) {
    RETURN_IF_ERROR(query_.Check());
    if (reader_ == nullptr || member.source != source_) {
      TakeCounters();
      reader_ = grouped_.sources[member.source]->NewReader(request_);
      source_ = member.source;
    }
    open_ = true;
    return reader_->Seek(member.series);
  }
  void TakeCounters() {
    if (reader_ == nullptr) return;
    engine::ScanCounters counters;
    reader_->TakeCounters(&counters);
    query_.AddCounters(counters);
  }
  // Row by row what the batch holds column by column.
  void CopyRows() {
    const model::ColumnBatch& batch = step_.rows;
    const size_t width = batch.columns.size();
    values_.assign(batch.rows * width, FieldValue());
    for (size_t c = 0; c < width; ++c) {
      const model::ColumnVector& column = batch.columns[c];
      if (column.type == model::FieldType::kNone) continue;
      CopyColumn(column, batch.rows, width, values_.data() + c);
    }
  }

  const GroupedSources& grouped_;
  std::span<const GroupMember> members_;
  const ReadRequest request_;
  QueryState& query_;
  std::unique_ptr<RowReader> reader_;
  uint32_t source_ = 0;
  size_t at_ = 0;
  bool open_ = false;
  ScanStep step_;
  std::vector<FieldValue> values_;
};

}  // namespace

std::unique_ptr<RowMerger> MakeConcatenation(const GroupedSources& grouped, const Group& group,
                                             const ReadRequest& request, QueryState& query) {
  return std::make_unique<Concatenation>(grouped, group, request, query);
}

}  // namespace varve::query
