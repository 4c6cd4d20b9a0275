/** Steps of the configuration store's file. A released step is never changed; a change is a new one. */
export const configStoreSchema = [
  `create table state (
     project text not null,
     service text not null,
     key text not null,
     version integer not null,
     value text not null,
     stored_at integer not null,
     primary key (project, service, key)
   ) strict;`,
  // Every version of a key is a row; a deletion is one without a value.
  `alter table state add column deleted integer not null default 0;
   create table configuration (
     scope text not null,
     key text not null,
     version integer not null,
     value text,
     origin text not null,
     stored_at integer not null,
     primary key (scope, key, version)
   ) strict, without rowid;
   create table secrets (
     scope text not null,
     name text not null,
     version integer not null,
     envelope blob,
     origin text not null,
     stored_at integer not null,
     primary key (scope, name)
   ) strict;
   create table canary (
     only integer primary key check (only = 1),
     envelope blob not null
   ) strict;`,
];
