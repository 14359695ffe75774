export * from './event-feed.ts';
export * from './feed-follower.ts';
export * from './store-feed.ts';
