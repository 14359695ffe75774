export { folds } from './catalog-folds.ts';
export { CatalogModule } from './catalog.module.ts';
export { catalogPublications } from './publications.ts';
