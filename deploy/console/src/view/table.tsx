/** Rows under heads; where there is no room for columns, each row is a card that names its values. */
import type { ComponentChildren, HTMLAttributes, ThHTMLAttributes } from "preact";

/** Undefined is a column that this token has no use for. */
export type Column<Row> = ColumnOf<Row> | undefined;

interface ColumnOf<Row> {
  readonly title: string;
  /** `change`: what can be done to it, whose title is for those alone who can't see it. */
  readonly kind?: "number" | "figure" | "remark" | "change";
  value(row: Row): ComponentChildren;
}

interface Props<Row> {
  name?: string;
  rows: readonly Row[];
  keyOf(row: Row): string;
  /** Of the row, for styles and tests. */
  attributes(row: Row): HTMLAttributes<HTMLTableRowElement> & Record<`data-${string}`, unknown>;
  /** Of the first cell, which names the row. */
  head?(row: Row): ThHTMLAttributes<HTMLTableCellElement>;
  columns: ReadonlyArray<Column<Row>>;
}

export function Table<Row>({ name, rows, keyOf, attributes, head, columns }: Props<Row>) {
  const [first, ...others] = columns.filter((column) => column !== undefined);
  if (first === undefined) return null;
  return (
    <table class="cards" data-testid={name}>
      <thead>
        <tr>
          {[first, ...others].map(({ title, kind }) => (
            <th key={title} scope="col" class={kind === "number" ? kind : undefined}>
              {kind === "change" ? <span class="visually-hidden">{title}</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} {...attributes(row)}>
            <th scope="row" {...head?.(row)}>
              {first.value(row)}
            </th>
            {others.map(({ title, kind, value }) => (
              <td key={title} class={kind} data-label={kind === "change" ? undefined : title}>
                {value(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
